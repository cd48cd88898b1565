// `dead-letters`: lists, shows and redrives the events that could not be handled, over the admin API.

import type { Command } from "commander";
import { AdminApi } from "./admin-api.ts";
import { addressOf, numberUpTo } from "./arguments.ts";
import { columns, cut, plain, plainLines } from "./columns.ts";
import { localPort } from "./gateway-settings.ts";
import { bold, dim, prints, type Result, wrapped } from "./output.ts";
import { type RedriveOptions, redrive } from "./redrive.ts";

/** A dead letter, as the admin API shows it. */
interface Letter {
  readonly id: number;
  readonly eventId: string | null;
  readonly type: string | null;
  readonly reason: string | null;
  readonly attempts: number | null;
  readonly storedAt: string;
  readonly state: string;
  /** The message, only of one that is shown. */
  readonly text?: string | null;
}

interface LetterPage {
  readonly deadLetters: readonly Letter[];
  readonly next: number | null;
}

interface ListOptions {
  readonly url: string;
  readonly all?: true;
  readonly type?: string;
  readonly limit: number;
}

interface ShowOptions {
  readonly url: string;
  readonly body?: true;
}

const defaultUrl = `http://localhost:${localPort}/console`;

/** The API's pages have at most 200 rows. */
const pageSize = 200;

const maxLimit = 10_000;
const defaultLimit = 20;

/** SQLite counts no further than JavaScript does here. */
const maxId = Number.MAX_SAFE_INTEGER;

export function addDeadLetters(program: Command): void {
  const letters = program
    .command("dead-letters")
    .summary("list, show and redrive the events that could not be handled")
    .description("Lists, shows and redrives the events that could not be handled, over the console's admin API.")
    .helpCommand(false)
    .addHelpText("after", help);
  const list = letters
    .command("list")
    .description("Lists the open dead letters, the newest first.")
    .option("--all", "also those that were redriven")
    .option("--type <type>", "only those of this type of event")
    .option("--limit <n>", "at most n", numberUpTo(maxLimit), defaultLimit);
  prints(addressed(list), (options: ListOptions) => listLetters(apiAt(options), options));
  const show = letters
    .command("show")
    .description("Shows what is known of a dead letter.")
    .argument("<id>", "its id, which list shows", numberUpTo(maxId))
    .option("--body", "also the message, which holds the event");
  prints(addressed(show), (id: number, options: ShowOptions) => showLetter(apiAt(options), id, options));
  const again = letters
    .command("redrive")
    .description("Sends dead letters to the queue of events again, after a preview.")
    .argument("[id...]", "their ids", numbers)
    .option("--all", "all open ones")
    .option("--type <type>", "with --all: only those of this type of event")
    .option("--reason <reason>", "with --all: only those with exactly this reason")
    .option("--yes", "ask nothing");
  prints(addressed(again), (ids: number[], options: RedriveOptions) => redrive(() => apiAt(options), ids, options));
}

const help = `
The token is ADMIN_TOKEN of the environment. For a console on this machine, it
may stand in .dev.vars of the current folder.

Examples:
  cronozen-edge dead-letters list --url https://edge.example.com/console
  cronozen-edge dead-letters show 17 --body
  cronozen-edge dead-letters redrive 17 18
  cronozen-edge dead-letters redrive --all --type payment.completed`;

function addressed(command: Command): Command {
  return command.option("--url <url>", "the console's URL", defaultUrl).addHelpText("after", help);
}

function apiAt({ url }: { readonly url: string }): AdminApi {
  return new AdminApi(addressOf(url, "/console"));
}

/** Collects repeated arguments. */
function numbers(text: string, before: readonly number[] = []): number[] {
  return [...before, numberUpTo(maxId)(text)];
}

async function listLetters(api: AdminApi, { all, type, limit }: ListOptions): Promise<Result> {
  const state = all ? "all" : "open";
  const found: Letter[] = [];
  let before: number | undefined;
  do {
    const page: LetterPage = await api.get("dead-letters", "deadLetters", {
      state,
      type,
      limit: Math.min(pageSize, limit - found.length),
      before,
    });
    found.push(...page.deadLetters);
    before = page.next ?? undefined;
  } while (before !== undefined && found.length < limit);
  const more = before !== undefined;
  const ofType = type === undefined ? "" : ` of the type ${plain(type)}`;
  const none = all ? `There are no dead letters${ofType}.` : `There are no open dead letters${ofType}.`;
  const rest = more ? `\n\nThere are more: --limit ${Math.min(maxLimit, limit * 10)} shows them.` : "";
  return {
    ok: true,
    text: found.length === 0 ? none : `${linesOf(found, all === true)}${rest}`,
    json: { deadLetters: found, more },
  };
}

/** Returns two lines for each, because a reason needs a line of its own. */
function linesOf(letters: readonly Letter[], withState: boolean): string {
  const heads = columns(
    letters.map(({ id, storedAt, type, eventId, attempts }) => [
      bold(plain(String(id))),
      timeOf(storedAt),
      plain(type ?? "no type"),
      plain(eventId ?? "no event id"),
      attempts === 1 ? "1 attempt" : plain(`${attempts ?? "?"} attempts`),
    ]),
    0,
  ).split("\n");
  const indent = " ".repeat(Math.max(...letters.map(({ id }) => String(id).length)) + 2);
  return letters
    .map(({ reason, state }, index) => {
      const why = `${withState ? `${plain(state.replace("_", " "))}: ` : ""}${plain(reason ?? "no reason")}`;
      return `${heads[index]}\n${dim(cut(indent + why))}`;
    })
    .join("\n");
}

async function showLetter(api: AdminApi, id: number, { body }: ShowOptions): Promise<Result> {
  const { text, ...letter } = await api.get<Letter>(`dead-letters/${id}`, "id");
  const lines = Object.entries(letter).map(([name, value]) => {
    const label = plain(name)
      .replaceAll(/[A-Z]/g, (capital) => ` ${capital.toLowerCase()}`)
      .padEnd(labelWidth);
    return `  ${dim(label)}${wrapped(plain(String(value ?? "-")), labelWidth + 2).trimStart()}`;
  });
  // A file gets the message as it is.
  const safe = (message: string) => (process.stdout.isTTY ? plainLines(message) : message);
  return {
    ok: true,
    text: `${lines.join("\n")}${body ? `\n\n${safe(text ?? "The message was erased.")}` : ""}`,
    json: { deadLetter: { ...letter, ...(body && { text: text ?? null }) } },
  };
}

const labelWidth = 14;

/** Returns a time without its fraction, in UTC as everywhere on the server. */
function timeOf(text: string): string {
  return plain(text)
    .replace("T", " ")
    .replace(/(\.\d+)?Z$/, " UTC");
}
