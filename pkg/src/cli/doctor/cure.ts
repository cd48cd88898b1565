// Cures that can be pasted: the lines that a settings file needs, in its own format.

import type { Project, Worker } from "../workers.ts";

type Value = string | number | boolean | readonly string[];

/** The names and values of a table of settings. */
export type Entry = Readonly<Record<string, Value>>;

/** A file of settings, and the environment that is looked at. */
interface Place {
  readonly file: string;
  readonly isJson: boolean;
  readonly text: string;
  /** The environment's prefix of a path, such as `env.staging.`. */
  readonly prefix: string;
}

/** Says where to add an entry to a list of tables, such as `queues.consumers`, and prints it. */
export function addEntry(project: Project, worker: Worker, path: string, entry: Entry): string {
  const place = placeOf(project, worker);
  const name = `${place.prefix}${path}`;
  if (place.isJson) {
    return pasted(`In ${place.file}, add to the list "${name}":`, JSON.stringify(entry, null, 2));
  }
  const isInline = !has(place, `[[${name}]]`) && has(place, `${lastOf(name)} =`);
  return isInline
    ? pasted(`In ${place.file}, add to the list ${name}:`, `{ ${lines(entry).join(", ")} }`)
    : pasted(`Add at the end of ${place.file}:`, `[[${name}]]`, ...lines(entry));
}

/** Says where to set values in a table, such as `vars`, and prints them. */
export function setIn(project: Project, worker: Worker, path: string, entry: Entry): string {
  const place = placeOf(project, worker);
  const name = `${place.prefix}${path}`;
  if (place.isJson) {
    return pasted(`In ${place.file}, set in "${name}":`, ...jsonLines(entry));
  }
  return has(place, `[${name}]`) || has(place, `${lastOf(name)} =`)
    ? pasted(`In ${place.file}, set under [${name}]:`, ...lines(entry))
    : pasted(`Add at the end of ${place.file}:`, `[${name}]`, ...lines(entry));
}

/** Says which entry of a list to change, and prints the values. */
export function setInEntry(project: Project, worker: Worker, path: string, which: Entry, entry: Entry): string {
  const place = placeOf(project, worker);
  const [key = "", value] = Object.entries(which)[0] ?? [];
  const name = `${place.prefix}${path}`;
  return place.isJson
    ? pasted(`In ${place.file}, set in the entry of "${name}" with ${key} ${value}:`, ...jsonLines(entry))
    : pasted(`In ${place.file}, set under the [[${name}]] with ${key} = "${value}":`, ...lines(entry));
}

/** Says where to set a value at the top of the file, and prints it. */
export function setAtTop(project: Project, worker: Worker, entry: Entry): string {
  const place = placeOf(project, worker);
  const within = place.prefix.replace(/\.$/, "");
  if (place.isJson) {
    return pasted(`In ${place.file}, set ${within === "" ? "at the top" : `in "${within}"`}:`, ...jsonLines(entry));
  }
  return within === ""
    ? pasted(`In ${place.file}, set above the first [table]:`, ...lines(entry))
    : pasted(`In ${place.file}, set under [${within}]:`, ...lines(entry));
}

/** Says how to name settings that are in other folders. */
export function nameAll(workers: readonly Worker[], other: string): string {
  const files = [...workers.map(({ file }) => file), other];
  const options = files.map((file) => `-c ${file}`).join(" ");
  return pasted("Name all settings:", `npx --no cronozen-edge doctor ${options}`);
}

/** Returns a sentence and the lines to paste. */
export function pasted(sentence: string, ...toPaste: string[]): string {
  return [sentence, ...toPaste].join("\n");
}

function placeOf({ environment }: Project, { file, text, settings }: Worker): Place {
  const isDefined = environment !== undefined && settings.definedEnvironments?.includes(environment);
  return { file, text, isJson: /\.jsonc?$/.test(file), prefix: isDefined ? `env.${environment}.` : "" };
}

/** Returns true if a line of the file starts with this. */
function has({ text }: Place, start: string): boolean {
  return text.split("\n").some((line) => line.trim().startsWith(start));
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}

function lines(entry: Entry): string[] {
  return Object.entries(entry).map(([name, value]) => `${name} = ${inToml(value)}`);
}

function jsonLines(entry: Entry): string[] {
  return Object.entries(entry).map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
}

function inToml(value: Value): string {
  return Array.isArray(value) ? `[${value.map(inToml).join(", ")}]` : JSON.stringify(value);
}

/** Returns wrangler's options for a Worker. */
export function optionsFor({ environment }: Project, { file }: Worker): string {
  return ` --config ${file}${environment === undefined ? "" : ` --env ${environment}`}`;
}
