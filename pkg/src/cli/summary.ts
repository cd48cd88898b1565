// The summary of many deliveries: counts, and times in a histogram, so that it has the same size for any number.

import { shown } from "./arguments.ts";
import { columns, cut, plain } from "./columns.ts";
import { answerOf, curesOf } from "./cures.ts";
import { type Delivery, type Plan, sizeOf } from "./deliveries.ts";
import { timeoutMs } from "./delivery.ts";
import { dim, type Result, red } from "./output.ts";
import { grouped } from "./progress.ts";
import { verdictOf } from "./sent.ts";

/** The codes are the receiver's. The gateway has twelve. */
const maxAnswers = 40;

interface AnswerCount {
  readonly status: number | undefined;
  readonly code: string;
  readonly retryAfter: number | undefined;
  deliveries: number;
  unexpected: number;
}

/** Counts deliveries, and sums them up. */
export class Summary {
  readonly #plan: Plan;
  readonly #started = performance.now();
  readonly #answers = new Map<string, AnswerCount>();
  /** The number of answers by milliseconds. The last entry counts those that took longer than the time-out. */
  readonly #times = new Uint32Array(timeoutMs + 2);
  #made = 0;
  #unexpected = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  add({ status, code, retryAfter, ms, expected }: Delivery): void {
    this.#made += 1;
    const answer = this.#answer(status, code, retryAfter);
    answer.deliveries += 1;
    if (!expected) {
      this.#unexpected += 1;
      answer.unexpected += 1;
    }
    if (status !== undefined) {
      const slot = Math.min(ms, this.#times.length - 1);
      this.#times[slot] = (this.#times[slot] ?? 0) + 1;
    }
  }

  result(): Result {
    const interrupted = this.#made < sizeOf(this.#plan);
    const seconds = (performance.now() - this.#started) / 1000;
    const perSecond = Math.round(this.#made / seconds);
    const [p50, p99] = [this.#percentile(0.5), this.#percentile(0.99)];
    const answers = [...this.#answers.values()].sort((one, other) => other.deliveries - one.deliveries);
    const unexpected = answers.filter((answer) => answer.unexpected > 0);
    const what = this.#plan.types.length === 1 ? plain(this.#plan.types[0] ?? "") : "events of all types";
    return {
      ok: this.#unexpected === 0 && !interrupted,
      text: [
        cut(`${what} to ${shown(this.#plan.url)}`),
        columns([
          ...answers.map((answer) => [
            answerOf(answer),
            grouped(answer.deliveries),
            answer.unexpected === 0 ? "" : red(`${grouped(answer.unexpected)} not expected`),
          ]),
        ]),
        dim(
          `  ${grouped(this.#made)} in ${seconds.toFixed(1)} s, ${grouped(perSecond)} a second${p50 === null ? "" : `, p50 ${p50} ms, p99 ${p99} ms`}`,
        ),
        verdictOf(this.#plan, this.#made, this.#unexpected),
        ...curesOf(unexpected, this.#plan),
      ].join("\n\n"),
      json: {
        sent: this.#made,
        unexpected: this.#unexpected,
        answers: answers.map(({ status, code, deliveries }) => ({ status: status ?? null, code, deliveries })),
        p50Ms: p50,
        p99Ms: p99,
        perSecond,
        interrupted,
      },
    };
  }

  #answer(status: number | undefined, code: string, retryAfter: number | undefined): AnswerCount {
    const known = this.#answers.get(`${status} ${code}`);
    if (known !== undefined) {
      return known;
    }
    const isFull = this.#answers.size >= maxAnswers;
    const key = isFull ? "others" : `${status} ${code}`;
    const answer = this.#answers.get(key) ?? {
      ...(isFull ? { status: undefined, code: "others" } : { status, code }),
      retryAfter,
      deliveries: 0,
      unexpected: 0,
    };
    this.#answers.set(key, answer);
    return answer;
  }

  /** Returns the time within which this share of the answers came, or `null` if there is none. */
  #percentile(share: number): number | null {
    const total = this.#times.reduce((sum, count) => sum + count, 0);
    let rest = Math.ceil(total * share);
    for (const [ms, count] of this.#times.entries()) {
      rest -= count;
      if (total > 0 && rest <= 0) {
        return ms;
      }
    }
    return null;
  }
}
