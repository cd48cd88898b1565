// A redrive or a prune of many dead letters: the preview, and the steps, one at a time, until the end, a stop or an error.

import type { AuditPage } from "../../consumer/audit.ts";
import type { Filter, Letter, LetterState } from "../../consumer/letters.ts";
import { maxPruned, maxRedriven, type Preview, type PruneStep, type RedriveStep } from "../../consumer/redrive.ts";
import { maxLimit } from "../fields.ts";

export type Action = "redrive" | "prune";

type State = "open" | "redriven";

/** The dead letters of one request or, if all that match are taken, of one request after the other. */
export type Part =
  | { readonly ids: readonly number[]; readonly state: State }
  | (Filter & { readonly state: State; readonly upTo?: number });

type Ask = <Answer>(path: string, question?: { readonly body?: object }) => Promise<Answer>;

/** The sum of the previews, and the parts up to the ids that they have shown. */
export interface Plan extends Omit<Preview, "upTo"> {
  readonly parts: readonly Part[];
  /** The number of those that are open. */
  readonly open: number;
}

export interface Progress {
  /** `stopping` ends with the step that runs; `paused` is the end of a step in an error. */
  readonly phase: "ready" | "running" | "stopping" | "stopped" | "paused" | "done";
  /** Redriven, or pruned. */
  readonly done: number;
  /** The ids of these. */
  readonly ids: readonly number[];
  /** By reason, how many the queue refused. */
  readonly refused: ReadonlyMap<string, number>;
  /** The number of the selection that is open at the end of a redrive. */
  readonly open: number;
  /** The reason why it is paused. */
  readonly error: unknown;
}

/** The API takes as many in a step. */
const mostIds: Readonly<Record<Action, number>> = { redrive: maxRedriven, prune: maxPruned };

/** The reason of those of which only the audit knows that they were refused. */
const unknownReason = "no reason known: the answer was lost";

/** Returns the parts of a selection of single dead letters. */
export function partsOf(
  action: Action,
  letters: readonly { readonly id: number; readonly redrivenAt: string | null }[],
): Part[] {
  return (["open", "redriven"] as const).flatMap((state) => {
    const chosen = letters.filter(({ redrivenAt }) => (redrivenAt === null) === (state === "open"));
    const ids = [...new Set(chosen.map(({ id }) => id))].sort((one, other) => one - other);
    return Array.from({ length: Math.ceil(ids.length / mostIds[action]) }, (_, index) => ({
      ids: ids.slice(index * mostIds[action], (index + 1) * mostIds[action]),
      state,
    }));
  });
}

/** Returns the filter of a run of all that match; undefined for single dead letters. */
export function filterOf([part]: readonly Part[]): (Filter & { readonly state: State }) | undefined {
  if (part === undefined || "ids" in part) {
    return undefined;
  }
  const { upTo: _, ...filter } = part;
  return filter;
}

/** Asks what would be taken. It changes nothing. */
export async function planOf(ask: Ask, action: Action, parts: readonly Part[]): Promise<Plan> {
  const plan = { letters: 0, bytes: 0, open: 0, parts: [] as Part[] };
  const groups = new Map<string, Preview["groups"][number]>();
  for (const part of parts) {
    const preview = await ask<Preview>(`dead-letters/${action}`, { body: { ...part, dryRun: true } });
    plan.letters += preview.letters;
    plan.bytes += preview.bytes;
    plan.open += part.state === "open" ? preview.letters : 0;
    plan.parts.push("ids" in part ? part : { ...part, upTo: preview.upTo });
    for (const group of preview.groups) {
      const key = JSON.stringify([group.type, group.reason]);
      groups.set(key, { ...group, letters: group.letters + (groups.get(key)?.letters ?? 0) });
    }
  }
  return { ...plan, groups: [...groups.values()].sort((one, other) => other.letters - one.letters) };
}

/** Returns how many dead letters of a run are in which state, as far as they are among these. */
export function statesOf(
  ids: readonly number[],
  letters: readonly Pick<Letter, "id" | "state">[],
): ReadonlyMap<LetterState, number> {
  const ofRun = new Set(ids);
  const counts = new Map<LetterState, number>();
  for (const { id, state } of letters) {
    if (ofRun.has(id)) {
      counts.set(state, (counts.get(state) ?? 0) + 1);
    }
  }
  return counts;
}

/** Runs a plan. Of each step whose answer is lost, the audit says what it did: nothing is sent again for want of an answer. */
export class Run {
  readonly action: Action;
  readonly #ask: Ask;
  readonly #parts: readonly Part[];
  readonly #onChange: (progress: Progress) => void;
  #progress: Progress = { phase: "ready", done: 0, ids: [], refused: new Map(), open: 0, error: undefined };
  /** The next step: the part, and the `after` in it. */
  #part = 0;
  #after = 0;
  /** The newest entry of the audit before the first step. */
  #auditedTo: number | undefined;
  /** A step was asked for, and its answer is lost. */
  #isInDoubt = false;
  /** The entries of steps that broke off, and whose end is not recorded yet. */
  readonly #unfinished = new Set<number>();

  constructor(ask: Ask, action: Action, parts: readonly Part[], onChange: (progress: Progress) => void) {
    this.#ask = ask;
    this.action = action;
    this.#parts = parts;
    this.#onChange = onChange;
  }

  get progress(): Progress {
    return this.#progress;
  }

  get isRunning(): boolean {
    return this.#progress.phase === "running" || this.#progress.phase === "stopping";
  }

  /** Starts it, or goes on where it was. While it runs, this does nothing, and after its end, nothing is left. */
  async start(): Promise<void> {
    if (this.isRunning) {
      return;
    }
    this.#change({ phase: "running", error: undefined });
    try {
      this.#auditedTo ??= (await this.#audit(1)).entries[0]?.id ?? 0;
      if (this.#isInDoubt) {
        await this.#settle();
      }
      for (let part = this.#parts[this.#part]; part !== undefined; part = this.#parts[this.#part]) {
        if (this.#progress.phase === "stopping") {
          this.#change({ phase: "stopped" });
          return;
        }
        await this.#step(part);
      }
      await this.#collect();
      this.#change({ phase: "done" });
    } catch (error) {
      this.#change({ phase: "paused", error });
    }
  }

  /** Ends it after the step that runs. */
  stop(): void {
    if (this.#progress.phase === "running") {
      this.#change({ phase: "stopping" });
    }
  }

  async #step(part: Part): Promise<void> {
    this.#isInDoubt = true;
    const answer = await this.#ask<RedriveStep | PruneStep>(`dead-letters/${this.action}`, { body: this.#body(part) });
    this.#isInDoubt = false;
    if ("pruned" in answer) {
      this.#count(idsOf(answer.pruned), []);
    } else {
      const reasons = answer.failed.map(({ reason }) => reason);
      this.#count(idsOf(answer.redriven), reasons, answer.open ?? 0);
    }
    this.#advance(answer.next);
  }

  #body(part: Part): object {
    return "ids" in part ? part : { ...part, after: this.#after };
  }

  #advance(next: number | null): void {
    this.#part += next === null ? 1 : 0;
    this.#after = next ?? 0;
  }

  /** Looks up what the step in doubt has done. What it did not do is left to the same step, which comes again. */
  async #settle(): Promise<void> {
    const part = this.#parts[this.#part];
    const { entries } = await this.#audit(maxLimit);
    const entry = entries.find(
      ({ id, action, details }) =>
        id > (this.#auditedTo ?? 0) &&
        !this.#unfinished.has(id) &&
        action === this.action &&
        part !== undefined &&
        isOfStep(Object(details), part, this.#after),
    );
    this.#isInDoubt = false;
    if (entry?.result === null) {
      this.#unfinished.add(entry.id);
    } else if (entry !== undefined && part !== undefined) {
      const { ids, failed } = this.#countResult(entry.result);
      if ("ids" in part) {
        this.#change({ open: this.#progress.open + (part.state === "open" ? failed : 0) });
        this.#advance(null);
      } else {
        this.#after = Math.max(this.#after, ...ids);
      }
    }
  }

  /** Counts what steps that broke off have done in the end. */
  async #collect(): Promise<void> {
    if (this.#unfinished.size > 0) {
      const { entries } = await this.#audit(maxLimit);
      for (const { id, result } of entries) {
        if (result !== null && this.#unfinished.delete(id)) {
          this.#countResult(result);
        }
      }
    }
  }

  #audit(limit: number): Promise<AuditPage> {
    return this.#ask<AuditPage>(`audit?limit=${limit}`);
  }

  #countResult(result: unknown): { readonly ids: readonly number[]; readonly failed: number } {
    const { redriven = [], failed = [], pruned = [] } = Object(result) as Partial<Record<string, number[]>>;
    this.#count(
      [...redriven, ...pruned],
      failed.map(() => unknownReason),
    );
    return { ids: [...redriven, ...failed, ...pruned], failed: failed.length };
  }

  #count(done: readonly number[], reasons: readonly string[], open = 0): void {
    const refused = new Map(this.#progress.refused);
    for (const reason of reasons) {
      refused.set(reason, (refused.get(reason) ?? 0) + 1);
    }
    const ids = [...this.#progress.ids, ...done];
    this.#change({ done: ids.length, ids, refused, open: this.#progress.open + open });
  }

  #change(changes: Partial<Progress>): void {
    this.#progress = { ...this.#progress, ...changes };
    this.#onChange(this.#progress);
  }
}

/** Returns true if an entry of the audit is of this step. */
function isOfStep(details: Readonly<Record<string, unknown>>, part: Part, after: number): boolean {
  return "ids" in part
    ? String(details.ids) === String(part.ids) && details.state === part.state
    : details.upTo === part.upTo && details.after === after && details.state === part.state;
}

function idsOf(letters: readonly { readonly id: number }[]): number[] {
  return letters.map(({ id }) => id);
}
