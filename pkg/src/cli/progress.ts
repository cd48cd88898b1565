// The progress of long work, on a terminal only, and its interruption.

import { width } from "./output.ts";

/** A terminal shows no more. */
const redrawMs = 100;

const barWidth = 24;

/** A bar on stderr, which moves when `advance` is called. */
export class Progress {
  readonly #total: number;
  readonly #shows = process.stderr.isTTY === true;
  #done = 0;
  #drawnAt = 0;

  constructor(total: number) {
    this.#total = total;
  }

  advance(steps: number): void {
    this.#done += steps;
    const now = performance.now();
    if (this.#shows && now - this.#drawnAt >= redrawMs) {
      this.#drawnAt = now;
      const share = Math.min(1, this.#done / this.#total);
      const full = Math.floor(share * barWidth);
      const bar = "#".repeat(full) + "-".repeat(barWidth - full);
      const line = `[${bar}] ${Math.floor(share * 100)} %  ${grouped(this.#done)} of ${grouped(this.#total)}`;
      process.stderr.write(`\r${line.slice(0, width - 1)}\x1b[K`);
    }
  }

  /** Removes the bar. */
  end(): void {
    if (this.#drawnAt > 0) {
      process.stderr.write("\r\x1b[K");
    }
  }
}

/** Returns a whole number with a comma between thousands. */
export function grouped(number: number): string {
  return number.toLocaleString("en");
}

/** Returns a signal that Ctrl-C aborts. A second Ctrl-C ends the process at once. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => controller.abort());
  }
  return controller.signal;
}
