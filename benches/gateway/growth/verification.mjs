// The cost of a verification by the size of the body: it must grow at most in proportion, without a step.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Verifier } from "cronozen-edge";
import { root } from "../../../scripts/command.mjs";
import { sign } from "../../../scripts/delivery.mjs";
import { moduleIn } from "../../../tests/support/modules.mjs";
import { bodyOf, request } from "../deliveries.mjs";
import { askOnce } from "../load.mjs";
import { Server, secret } from "../server.mjs";

/** 256 B to 1 MiB, in steps of 2. */
export const sizes = Array.from({ length: 13 }, (_, step) => 256 * 2 ** step);

/** The bytes that one measurement verifies: some milliseconds of work for each size of body. */
const bytesAtOnce = 2 ** 23;

/** The most calls in one measurement: small bodies take longer for each byte. */
const timesAtMost = 10_000;

/** Enough rounds for V8 to compile the code. */
const warmUpRounds = 5;

/** @param {number} bytes */
function timesOf(bytes) {
  return Math.min(bytesAtOnce / bytes, timesAtMost);
}

const bodies = sizes.map((bytes) => {
  const body = Buffer.from(bodyOf("evt_1", bytes));
  return { bytes, body, signature: sign(body, secret) };
});

/**
 * Microseconds of the thread's CPU time for each verification in this Node, by size.
 *
 * @param {number} rounds
 */
export async function inNode(rounds) {
  const verifier = new Verifier(secret);
  return timesBySize(rounds, async ({ body, signature }, times) => {
    const before = process.threadCpuUsage();
    for (let time = 0; time < times; time += 1) {
      if (!verifier.matches(body, signature)) {
        throw new Error("expected the signature to match");
      }
    }
    const { user, system } = process.threadCpuUsage(before);
    return user + system;
  });
}

/**
 * The same in workerd, without the request's own CPU time. It is measured outside: a Worker's clock stands still.
 *
 * @param {number} rounds
 */
export async function inWorkerd(rounds) {
  const dist = join(root, "pkg", "dist");
  const modules = [
    moduleIn(join(root, "benches", "gateway", "inside"), "verifies.mjs", ""),
    moduleIn(dist, "edge.js", "/package"),
    {
      type: /** @type {const} */ ("CompiledWasm"),
      path: "/package/verifier.wasm?module",
      contents: readFileSync(join(dist, "verifier.wasm")),
    },
  ];
  const server = await new Server({ name: "verifies", modules, decides: false }, {}).listening();
  /** @param {typeof bodies[number]} sized @param {number} times */
  const cpu = async ({ body, signature }, times) => {
    const before = server.cpu();
    const answered = await askOnce(server.port, request(body, signature, { path: `/?times=${times}` }));
    if (Number(answered.body) !== times) {
      throw new Error(`expected ${times} signatures to match, got ${answered.body}`);
    }
    return server.cpu() - before;
  };
  try {
    return await timesBySize(rounds, async (sized, times) => (await cpu(sized, times)) - (await cpu(sized, 0)));
  } finally {
    await server.stop();
  }
}

/**
 * @param {number} rounds
 * @param {(sized: typeof bodies[number], times: number) => Promise<number>} take in microseconds, for `times` calls
 */
async function timesBySize(rounds, take) {
  /** @type {number[][]} */
  const taken = bodies.map(() => []);
  for (let round = -warmUpRounds; round < rounds; round += 1) {
    for (const [index, sized] of bodies.entries()) {
      const times = timesOf(sized.bytes);
      const microseconds = (await take(sized, times)) / times;
      if (round >= 0) {
        taken[index]?.push(microseconds);
      }
    }
  }
  // Means, not medians: Linux counts CPU time in ticks, so only the sum of many rounds is precise.
  return taken.map((times) => times.reduce((sum, time) => sum + time, 0) / times.length);
}

/**
 * Returns each time divided by the time for half of the bytes. More than 2 would be a step.
 *
 * @param {readonly number[]} times by size
 */
export function doublings(times) {
  return times.slice(1).map((time, index) => time / (times[index] ?? Number.NaN));
}
