// The Workers of a project: their settings, as the project's own wrangler reads them, and their code.

import { existsSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { type Code, readCode } from "./code.ts";
import { Failure } from "./output.ts";
import { consumerSettings, installed } from "./project.ts";

/** The part of wrangler's normalised settings that the checks read. */
export interface Settings {
  readonly name?: string;
  readonly topLevelName?: string;
  readonly main?: string;
  readonly configPath?: string;
  readonly definedEnvironments?: readonly string[];
  readonly alias?: Record<string, string>;
  readonly build: { readonly command?: string };
  readonly vars: Record<string, unknown>;
  readonly secrets?: { readonly required?: readonly string[] };
  readonly kv_namespaces: readonly { binding: string }[];
  readonly r2_buckets: readonly { binding: string }[];
  readonly d1_databases: readonly { binding: string; database_name?: string; database_id?: string }[];
  readonly ratelimits?: readonly { name: string }[];
  readonly services?: readonly { binding: string }[];
  readonly durable_objects: { readonly bindings: readonly ObjectBinding[] };
  readonly migrations: readonly unknown[];
  readonly exports?: Record<string, unknown>;
  readonly version_metadata?: { readonly binding: string };
  readonly queues: { readonly producers?: readonly Producer[]; readonly consumers?: readonly QueueConsumer[] };
  readonly triggers: { readonly crons?: readonly string[] };
  readonly assets?: { readonly directory?: string; readonly binding?: string; readonly run_worker_first?: unknown };
  readonly workers_dev?: boolean;
  readonly route?: Route;
  readonly routes?: readonly Route[];
}

export interface ObjectBinding {
  readonly name: string;
  readonly class_name: string;
  readonly script_name?: string;
}

export interface Producer {
  readonly binding: string;
  readonly queue: string;
}

export interface QueueConsumer {
  readonly queue: string;
  readonly type?: string;
  readonly max_batch_size?: number;
  readonly max_retries?: number;
  readonly retry_delay?: number;
  readonly dead_letter_queue?: string;
}

export type Route = string | { readonly pattern: string; readonly custom_domain?: boolean };

/** A Worker of the project. */
export interface Worker {
  /** The path of its settings, as the user writes it. */
  readonly file: string;
  /** The settings, as they stand in the file. */
  readonly text: string;
  readonly settings: Settings;
  /** The names at the top of the file that wrangler does not know. */
  readonly strangeFields: readonly string[];
  /** Its code, or why it could not be read. */
  readonly code: Code | string;
  /** The storage of each class of Durable Objects that its migrations make, or why they cannot be applied. */
  readonly classes: ReadonlyMap<string, boolean> | string;
}

/** The project. `gateway` and `consumer` are the same Worker if there is only one. */
export interface Project {
  readonly environment: string | undefined;
  readonly workers: readonly Worker[];
  readonly gateway: Worker | undefined;
  readonly consumer: Worker | undefined;
}

/** The reason why settings cannot be read. */
export class UnreadableSettings extends Error {
  override readonly name = "UnreadableSettings";
  readonly file: string;

  constructor(file: string, message: string) {
    super(message);
    this.file = file;
  }
}

/** The part of wrangler's interface that is used. */
interface Wrangler {
  unstable_readConfig(args: { config?: string; env?: string }, options: { hideWarnings: boolean }): Settings;
  experimental_readRawConfig(args: { config?: string }): { rawConfig: object; configPath?: string };
  unstable_getDurableObjectClassNameToUseSQLiteMap(migrations: unknown, exports: unknown): Map<string, boolean>;
}

/** Names that wrangler takes from a file and does not keep. */
const consumedFields = ["$schema", "env"];

/**
 * Reads the project in the current folder.
 *
 * @param files the settings. By default those that wrangler takes, and wrangler.consumer.toml beside them
 * @returns nothing if there are no settings
 */
export async function readProject(files: readonly string[], environment?: string): Promise<Project | undefined> {
  const found = files.length > 0 ? files : defaultFiles();
  if (found.length === 0) {
    return;
  }
  const wrangler = await importWrangler();
  const workers: Worker[] = [];
  for (const file of found) {
    workers.push(await readWorker(wrangler, file, environment));
  }
  return {
    environment,
    workers,
    gateway: workers.find(isGateway),
    consumer: workers.find(isConsumer),
  };
}

/** Reads the project in the current folder, for a command that cannot work without it. */
export async function projectHere(environment?: string): Promise<Project> {
  try {
    const project = await readProject([], environment);
    if (project !== undefined) {
      return project;
    }
  } catch (error) {
    if (error instanceof UnreadableSettings) {
      throw new Failure(`settings unusable: ${error.file}: ${error.message}`);
    }
    throw error;
  }
  throw new Failure("settings not found: run this in a project's folder, which has a wrangler.toml");
}

/** Returns true if the Worker's code, or else its settings, are a gateway's. */
function isGateway({ settings, code }: Worker): boolean {
  return (
    (typeof code !== "string" && code.imports.has("cronozen-edge/worker")) ||
    settings.kv_namespaces.some(({ binding }) => binding === "SEEN") ||
    settings.durable_objects.bindings.some(({ name }) => name === "DEDUPER")
  );
}

function isConsumer({ settings, code }: Worker): boolean {
  return (
    (typeof code !== "string" && code.imports.has("cronozen-edge/consumer")) ||
    (settings.queues.consumers ?? []).length > 0
  );
}

/** Returns the settings in the current folder. Of several, wrangler takes the first. */
function defaultFiles(): string[] {
  const main = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"].find((name) => existsSync(name));
  return main === undefined ? [] : [main, consumerSettings].filter((name) => existsSync(name));
}

async function readWorker(wrangler: Wrangler, file: string, environment: string | undefined): Promise<Worker> {
  const settings = guarded(file, () =>
    wrangler.unstable_readConfig(
      { config: file, ...(environment === undefined ? {} : { env: environment }) },
      { hideWarnings: true },
    ),
  );
  const { rawConfig } = guarded(file, () => wrangler.experimental_readRawConfig({ config: file }));
  return {
    file,
    text: readFileSync(file, "utf8"),
    settings,
    strangeFields: Object.keys(rawConfig).filter((name) => !(name in settings) && !consumedFields.includes(name)),
    code: await readCode(settings),
    classes: classesOf(wrangler, settings),
  };
}

function classesOf(wrangler: Wrangler, { migrations, exports }: Settings): ReadonlyMap<string, boolean> | string {
  try {
    return wrangler.unstable_getDurableObjectClassNameToUseSQLiteMap(migrations, exports);
  } catch (error) {
    return (error as Error).message;
  }
}

/** Calls wrangler, whose errors name a mistake in a file. */
function guarded<T>(file: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    const { message, location } = error as { message: string; location?: { line?: number; file?: string } };
    const place = location?.line === undefined ? "" : ` (line ${location.line})`;
    const lines = message.split("\n").map((line) => line.trim().replace(/^- /, ""));
    // The first line only says which file it is, if there are more.
    const said = (lines.length > 1 ? lines.slice(1) : lines).filter((line) => line !== "").join(" ");
    throw new UnreadableSettings(location?.file ?? file, `${said.replace(/\.$/, "")}${place}`);
  }
}

async function importWrangler(): Promise<Wrangler> {
  const wrangler: Partial<Wrangler> = await import(pathToFileURL(installed("wrangler")).href);
  if (wrangler.unstable_readConfig === undefined || wrangler.experimental_readRawConfig === undefined) {
    throw new Failure("wrangler too old, or too new: run npm install wrangler@4 in the project's folder");
  }
  return wrangler as Wrangler;
}
