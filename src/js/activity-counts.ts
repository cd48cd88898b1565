// Counts the lines of the gateway's log.

import type { ActivityPeriod, ActivityRecord } from "../../pkg/src/activity.ts";

/** A line of the log, parsed. */
export type LogLine = Omit<ActivityRecord, "position">;

/** The upper bounds of the histogram of times, in milliseconds. The longest deadline is 4,500 ms. */
export const boundsMs = [5, 10, 25, 50, 100, 250, 500, 1000, 2000, 4000];

/** The most types that are counted one by one. A sender may make up any number. */
const maxTypes = 64;

const otherTypes = "other";

/** The beginning of the reason of a delivery whose signature is well-formed, but matches no active secret. */
const mismatch = "signature mismatch";

export type CountsJson = Omit<ActivityPeriod, "at">;

/** The counts of a period. */
export class Counts {
  #codes = new Map<string, number>();
  #others = new Map<string, number>();
  #types = new Map<string, number>();
  #mismatches = 0;
  #ms: number[] = new Array(boundsMs.length + 1).fill(0);
  #lost = 0;

  static from(json: CountsJson): Counts {
    const counts = new Counts();
    counts.merge(json);
    return counts;
  }

  add(line: LogLine): void {
    const { outcome, code, reason = "", type, ms = 0, count = 1 } = line;
    if (code === undefined) {
      increase(this.#others, outcome, count);
      return;
    }
    increase(this.#codes, code, count);
    if (outcome === "accepted" || outcome === "duplicate") {
      this.#ms[slotOf(ms)] = (this.#ms[slotOf(ms)] ?? 0) + 1;
    }
    if (outcome === "accepted" && type !== undefined) {
      this.#addType(type, 1);
    }
    if (reason.startsWith(mismatch)) {
      this.#mismatches += 1;
    }
  }

  /** Adds deliveries that have no lines. */
  addUnsigned(code: string, isMismatch: boolean, deliveries: number): void {
    increase(this.#codes, code, deliveries);
    this.#mismatches += isMismatch ? deliveries : 0;
  }

  addLost(lines: number): void {
    this.#lost += lines;
  }

  merge({ codes, others, types, mismatches, ms, lost }: CountsJson): void {
    for (const [code, deliveries] of Object.entries(codes)) {
      increase(this.#codes, code, deliveries);
    }
    for (const [outcome, lines] of Object.entries(others)) {
      increase(this.#others, outcome, lines);
    }
    for (const [type, events] of Object.entries(types)) {
      this.#addType(type, events);
    }
    this.#mismatches += mismatches;
    this.#ms = this.#ms.map((sum, slot) => sum + (ms[slot] ?? 0));
    this.#lost += lost;
  }

  toJSON(): CountsJson {
    return {
      codes: Object.fromEntries(this.#codes),
      others: Object.fromEntries(this.#others),
      types: Object.fromEntries(this.#types),
      mismatches: this.#mismatches,
      ms: [...this.#ms],
      lost: this.#lost,
    };
  }

  #addType(type: string, events: number): void {
    const isCounted = this.#types.has(type) || this.#types.size < maxTypes;
    increase(this.#types, isCounted ? type : otherTypes, events);
  }
}

function slotOf(ms: number): number {
  const slot = boundsMs.findIndex((bound) => ms <= bound);
  return slot === -1 ? boundsMs.length : slot;
}

function increase(counts: Map<string, number>, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}
