// Cold starts: the first answer of a new process, and the start-up time that wrangler reports.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { output, root } from "../../scripts/command.mjs";
import { deliveries } from "./deliveries.mjs";
import { askOnce } from "./load.mjs";
import { Server } from "./server.mjs";

/**
 * Milliseconds from the start of a process until it has answered a new event, by round.
 *
 * @param {import("./contenders.mjs").Contender[]} contenders
 * @param {Record<string, string>} settings
 * @param {number} rounds
 */
export async function firstAnswers(contenders, settings, rounds) {
  /** @type {{ name: string, ms: number[] }[]} */
  const measured = contenders.map(({ name }) => ({ name, ms: [] }));
  for (let round = 0; round < rounds; round += 1) {
    for (const index of contenders.keys()) {
      const place = (index + round) % contenders.length;
      const contender = contenders[place];
      if (contender !== undefined) {
        measured[place]?.ms.push(await firstAnswer(contender, settings));
      }
    }
  }
  return measured;
}

/** @param {import("./contenders.mjs").Contender} contender @param {Record<string, string>} settings */
async function firstAnswer(contender, settings) {
  // The last delivery of a new event.
  const bytes = deliveries(100).findLast(({ status }) => status === 202)?.bytes ?? Buffer.alloc(0);
  const server = new Server(contender, settings);
  try {
    await server.listening();
    const { status, body } = await askOnce(server.port, bytes);
    if (contender.decides && status !== 202) {
      throw new Error(`expected 202, got ${status} ${body}`);
    }
    return server.age();
  } finally {
    await server.stop();
  }
}

/**
 * Returns the milliseconds for which a Worker was active, as `wrangler check startup` reports them.
 *
 * @param {import("./contenders.mjs").Contender} contender
 * @param {number} times
 */
export function activeStartUps({ modules }, times) {
  const folder = join(root, "build", "bench", "startup");
  for (const { path, contents } of modules) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, contents);
  }
  // Without the build command, and only the gateway.
  writeFileSync(
    join(folder, "wrangler.toml"),
    'name = "startup"\nmain = "gateway/worker.js"\ncompatibility_date = "2026-10-01"\n',
  );
  const command = [
    "check",
    "startup",
    "--cwd",
    folder,
    "--args=--config=wrangler.toml",
    "--outfile=startup.cpuprofile",
  ];
  return Array.from({ length: times }, () => {
    const printed = output("wrangler", command);
    const active = /Active: ([\d.]+) ms/.exec(printed ?? "")?.[1];
    if (active === undefined) {
      throw new Error(`expected wrangler to report the start-up time, got ${printed}`);
    }
    return Number(active);
  });
}
