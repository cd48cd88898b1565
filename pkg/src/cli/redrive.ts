// `dead-letters redrive`: a preview, a question, then steps of 20, as the admin API takes them.

import { createInterface } from "node:readline";
import type { AdminApi } from "./admin-api.ts";
import { columns, plain } from "./columns.ts";
import { dim, Failure, green, type Result, red } from "./output.ts";
import { grouped, interruption, Progress } from "./progress.ts";

export interface RedriveOptions {
  readonly url: string;
  readonly all?: true;
  readonly type?: string;
  readonly reason?: string;
  readonly yes?: true;
  readonly json?: true;
}

/** The letters that one or several requests take. */
type Selection = { readonly ids: readonly number[] } | { readonly type?: string; readonly reason?: string };

interface Group {
  readonly type: string | null;
  readonly reason: string | null;
  readonly letters: number;
}

interface Preview {
  readonly letters: number;
  readonly upTo: number;
  readonly groups: readonly Group[];
}

interface FailedLetter {
  readonly id: number;
  readonly eventId: string | null;
  readonly type: string | null;
  readonly reason: string;
}

interface Step {
  readonly redriven: readonly object[];
  readonly failed: readonly FailedLetter[];
  readonly next: number | null;
  readonly open: number | null;
}

/** The API takes as many ids in a request. */
const idsInStep = 20;

const shownGroups = 10;

/** Those are enough to see the cause, and fit any output. */
const maxFailures = 100;

/** What a redrive has done. */
interface Totals {
  redriven: number;
  failed: number;
  /** Those of the selection that are still open; unknown before the end. */
  open: number | null;
  readonly failures: FailedLetter[];
  /** If Ctrl-C left some of the steps. */
  interrupted: boolean;
  /** The failure that ended it. */
  error: string | null;
}

export async function redrive(api: () => AdminApi, ids: readonly number[], options: RedriveOptions): Promise<Result> {
  const selections = selectionsOf(ids, options);
  const admin = api();
  const print = (text: string): void => void (options.json ? process.stderr : process.stdout).write(`${text}\n`);
  const { letters, upTo, groups } = await previewOf(admin, selections);
  const missing = new Set(ids).size - letters;
  if (missing > 0 && ids.length > 0) {
    throw new Failure(`${missing} of these ids not found: dead-letters list --all shows the ids`);
  }
  if (letters === 0) {
    return { ok: true, text: "There are no open dead letters to redrive.", json: jsonOf(0, nothing()) };
  }
  if (!options.json || !options.yes) {
    print(previewText(letters, groups));
  }
  if (!options.yes && !(await isConfirmed())) {
    return { ok: false, text: "Nothing was redriven.", json: jsonOf(letters, nothing()) };
  }
  const totals = await stepThrough(admin, selections, { letters, upTo, signal: interruption() });
  return {
    ok: totals.failed === 0 && totals.open === 0,
    text: totalsText(letters, totals),
    json: jsonOf(letters, totals),
  };
}

function selectionsOf(ids: readonly number[], { all, type, reason }: RedriveOptions): Selection[] {
  if (all && ids.length > 0) {
    throw new Failure("ids given together with --all: choose one of them");
  }
  if (!all && (type ?? reason) !== undefined) {
    throw new Failure("--type or --reason given without --all");
  }
  if (all) {
    return [{ ...(type !== undefined && { type }), ...(reason !== undefined && { reason }) }];
  }
  if (ids.length === 0) {
    throw new Failure("nothing chosen: name the ids of dead letters, or --all");
  }
  const distinct = [...new Set(ids)];
  return Array.from({ length: Math.ceil(distinct.length / idsInStep) }, (_, index) => ({
    ids: distinct.slice(index * idsInStep, (index + 1) * idsInStep),
  }));
}

/** Returns the sum of the previews. */
async function previewOf(api: AdminApi, selections: readonly Selection[]): Promise<Preview> {
  let [letters, upTo] = [0, 0];
  const groups = new Map<string, Group>();
  for (const selection of selections) {
    const preview: Preview = await api.post("dead-letters/redrive", "groups", { ...selection, dryRun: true });
    letters += preview.letters;
    upTo = Math.max(upTo, preview.upTo);
    for (const group of preview.groups) {
      const key = JSON.stringify([group.type, group.reason]);
      groups.set(key, { ...group, letters: group.letters + (groups.get(key)?.letters ?? 0) });
    }
  }
  return { letters, upTo, groups: [...groups.values()].sort((one, other) => other.letters - one.letters) };
}

function previewText(letters: number, groups: readonly Group[]): string {
  const shown = groups.slice(0, shownGroups);
  const rest = letters - shown.reduce((sum, group) => sum + group.letters, 0);
  return `${grouped(letters)} to redrive:

${columns([
  ...shown.map((group) => [
    grouped(group.letters),
    plain(group.type ?? "no type"),
    dim(plain(group.reason ?? "no reason")),
  ]),
  ...(rest > 0 ? [[grouped(rest), "with other types or reasons"]] : []),
])}
`;
}

/** Asks on the terminal. Without one, nobody can answer. */
async function isConfirmed(): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new Failure("confirmation missing: without a terminal, --yes is needed");
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await new Promise<string>((resolve) => {
    // Ctrl-C and Ctrl-D close it.
    prompt.once("close", () => resolve(""));
    prompt.question("Redrive them? [y/N] ", resolve);
  });
  prompt.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** Takes the steps until the end, an error or the signal. What was sent stays sent. */
async function stepThrough(
  api: AdminApi,
  selections: readonly Selection[],
  { letters, upTo, signal }: { letters: number; upTo: number; signal: AbortSignal },
): Promise<Totals> {
  const totals = nothing();
  const progress = new Progress(letters);
  let open = 0;
  try {
    for (const selection of selections) {
      let after: number | null = 0;
      while (after !== null) {
        if (signal.aborted) {
          totals.interrupted = true;
          return totals;
        }
        const place = "ids" in selection ? {} : { upTo, after };
        const step: Step = await api.post("dead-letters/redrive", "redriven", { ...selection, ...place });
        totals.redriven += step.redriven.length;
        totals.failed += step.failed.length;
        totals.failures.push(...step.failed.slice(0, maxFailures - totals.failures.length));
        progress.advance(step.redriven.length + step.failed.length);
        open += step.open ?? 0;
        after = step.next;
      }
    }
    totals.open = open;
  } catch (error) {
    if (!(error instanceof Failure) || totals.redriven + totals.failed === 0) {
      throw error;
    }
    totals.error = error.message;
  } finally {
    progress.end();
  }
  return totals;
}

function totalsText(letters: number, totals: Totals): string {
  const { redriven, failed, open, failures, interrupted, error } = totals;
  const lines = [`${grouped(redriven)} of ${grouped(letters)} redriven.`];
  if (failed > 0) {
    lines.push(`${grouped(failed)} refused by the queue; they stay open: ${plain(failures[0]?.reason ?? "")}.`);
  }
  if (open !== null && open > failed) {
    lines.push(`${grouped(open - failed)} open, because another redrive has them: try again after a minute.`);
  }
  if (interrupted) {
    lines.push("Interrupted. Run it again to go on.");
  }
  if (error !== null) {
    lines.push(`Stopped: ${error}. Run it again after a minute to go on.`);
  }
  const isWell = lines.length === 1;
  const hint = isWell ? `\n${dim("dead-letters list shows those that fail again.")}` : "";
  return `${isWell ? green("ok") : red("no")}  ${lines.join("\n    ")}${hint}`;
}

function nothing(): Totals {
  return { redriven: 0, failed: 0, open: null, failures: [], interrupted: false, error: null };
}

function jsonOf(letters: number, { error, ...totals }: Totals): Result["json"] {
  return { letters, ...totals, ...(error !== null && { error }) };
}
