// The isolates that send batches of lines, and the gateways that they belong to.

import type { GatewayStatus } from "../../pkg/src/activity.ts";
import type { LogLine } from "./activity-counts.js";
import { dayMs } from "./activity-hours.js";

/** Refused deliveries that are counted, and have no lines. */
export interface UnsignedCount {
  /** As `2026-11-24T06:55`; undefined if there are too many minutes. */
  readonly minute: string | undefined;
  readonly code: string;
  readonly isMismatch: boolean;
  readonly deliveries: number;
}

/** Lines that an isolate sends together. */
export interface Batch {
  readonly isolate: string;
  /** The first batch of an isolate is 1. One that comes again is ignored. */
  readonly number: number;
  /** The numbers of lines that the isolate had written before this batch, and after it. */
  readonly from: number;
  readonly to: number;
  readonly lines: readonly string[];
  readonly counts: readonly UnsignedCount[];
}

/** The gateway that sends a batch. */
export interface Gateway {
  readonly deployment: string | null;
  readonly tag: string | null;
  /** The answer of its health check, as JSON. */
  readonly health: string;
}

/** An isolate that has sent nothing for this long has ended. */
const isolateKeptMs = dayMs;
const maxIsolates = 2000;

const maxGateways = 8;

/** A health check's answer is shorter. */
const maxHealthCharacters = 4096;

/** The last batch of an isolate, the number of lines up to it, and when it came. */
interface Position {
  readonly number: number;
  readonly to: number;
  readonly at: number;
}

export type IsolatesJson = readonly [id: string, position: Position][];

/** The isolates, the one that has been silent for the longest time first. */
export class Isolates {
  #positions: Map<string, Position>;

  constructor(json: IsolatesJson = []) {
    this.#positions = new Map(json);
  }

  toJSON(): IsolatesJson {
    return [...this.#positions];
  }

  isRepeat({ isolate, number }: Batch): boolean {
    return number <= (this.#positions.get(isolate)?.number ?? 0);
  }

  /**
   * Takes a batch. Returns the number of lines that are missing: those that the isolate had no room for, and those that
   * this object had taken, and not written when it ended.
   */
  take({ isolate, number, from, to, lines, counts }: Batch, now: number): number {
    const known = this.#positions.get(isolate);
    this.#positions.delete(isolate);
    this.#positions.set(isolate, { number, to, at: now });
    const counted = counts.reduce((sum, { deliveries }) => sum + deliveries, 0);
    return from - (known?.to ?? 0) + (to - from - lines.length - counted);
  }

  prune(now: number): void {
    for (const [id, { at }] of this.#positions) {
      if (at >= now - isolateKeptMs && this.#positions.size <= maxIsolates) {
        return;
      }
      this.#positions.delete(id);
    }
  }
}

/** The deployments of the gateway, the newest first. */
export class Gateways {
  #gateways: readonly GatewayStatus[];

  constructor(json: readonly GatewayStatus[] = []) {
    this.#gateways = json;
  }

  toJSON(): readonly GatewayStatus[] {
    return this.#gateways;
  }

  /** Takes the lines of a gateway's batch. */
  take({ deployment, tag, health }: Gateway, lines: readonly LogLine[], now: number): void {
    const at = new Date(now).toISOString();
    const known = this.#gateways.find((one) => one.deployment === deployment);
    const keys = { ...known?.keys };
    for (const line of lines) {
      if (line.key !== undefined) {
        keys[line.key] = { deliveries: (keys[line.key]?.deliveries ?? 0) + 1, lastAt: line.at };
      }
    }
    const status = { deployment, tag, firstAt: known?.firstAt ?? at, lastAt: at, health: healthIn(health), keys };
    this.#gateways = [status, ...this.#gateways.filter((one) => one !== known)].slice(0, maxGateways);
  }
}

function healthIn(text: string): Record<string, unknown> {
  return text.length > maxHealthCharacters ? {} : JSON.parse(text);
}
