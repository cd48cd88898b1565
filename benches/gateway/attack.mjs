// The cost of what a forger sends, beside that of an accepted delivery, in the same interleaved rounds.

import { sign, webhookPath } from "../../scripts/delivery.mjs";
import { figure, median, ratios, spread, table } from "../report.mjs";
import { bodyOf, request } from "./deliveries.mjs";
import { sendApart } from "./load.mjs";
import { Server, secret } from "./server.mjs";

/** The most that an unsigned request may cost, as a share of an accepted delivery. */
const goal = 0.1;

/** As many bytes as a gateway without a bucket accepts. */
const largestBody = 127_000;

/** The limit of inside/bindings.mjs refuses this address. */
const exhausted = "198.51.100.9";

let numbers = 0;

/** A new event's body. @param {number} [bytes] */
function newBody(bytes) {
  numbers += 1;
  return bodyOf(`evt_${process.pid}_attack_${numbers}`, bytes);
}

/** @typedef {{ status: number, make: () => Buffer, isUnsigned?: true, isLarge?: true, needsLimit?: true }} Kind */

/** @type {Record<string, Kind>} */
const kinds = {
  accepted: {
    status: 202,
    make() {
      const body = newBody();
      return request(body, sign(body, secret));
    },
  },
  "no signature": { status: 401, isUnsigned: true, make: () => request(newBody(), undefined) },
  "malformed signature": { status: 401, isUnsigned: true, make: () => request(newBody(), `sha256=${"0".repeat(64)}`) },
  "wrong signature, 1 KiB": { status: 401, make: () => request(newBody(), "0".repeat(64)) },
  "wrong signature, 127 KB": { status: 401, isLarge: true, make: () => request(newBody(largestBody), "0".repeat(64)) },
  "another path": { status: 404, make: () => request(newBody(), undefined, { path: `${webhookPath}/x` }) },
  "no signature, beyond the limit": {
    status: 429,
    isUnsigned: true,
    needsLimit: true,
    make: () => request(newBody(), undefined, { address: exhausted }),
  },
};

/** A large body takes the load's core for long. */
const largeShare = 5;

/**
 * Microseconds of CPU a request, by round, of each kind; and of the same Worker that only answers.
 *
 * @typedef {{ name: string, hasLimit: boolean, cpu: Record<string, number[]> }} Measured
 */

/**
 * @param {import("./contenders.mjs").Contender} floor
 * @param {import("./contenders.mjs").Contender[]} contenders
 * @param {Record<string, string>} settings
 * @param {import("./rounds.mjs").Extent} extent
 * @returns {Promise<{ floor: number[], contenders: Measured[] }>}
 */
export async function attackCosts(floor, contenders, settings, { launches, rounds, slice, warmUp }) {
  /** @type {number[]} */
  const floors = [];
  /** @type {Measured[]} */
  const measured = contenders.map(({ name, settings: own }) => ({
    name,
    hasLimit: own?.FAILURES !== undefined,
    cpu: Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []])),
  }));
  for (let launch = 0; launch < launches; launch += 1) {
    const servers = [floor, ...contenders].map((contender) => new Server(contender, settings));
    const [bare, ...ours] = servers;
    try {
      for (const server of servers) {
        await server.listening();
        for (const [kind, { needsLimit }] of Object.entries(kinds)) {
          if (!needsLimit) {
            await cost(server, kind, kind === "accepted" ? warmUp : warmUp / 4);
          }
        }
      }
      for (let round = 0; round < rounds; round += 1) {
        // The order changes, so that no kind always follows the same one.
        const names = Object.keys(kinds).map((_, index, all) => all[(index + launch + round) % all.length] ?? "");
        for (const kind of names) {
          for (const [index, server] of ours.entries()) {
            const into = measured[index];
            if (into?.hasLimit || !kinds[kind]?.needsLimit) {
              into?.cpu[kind]?.push(await cost(server, kind, slice));
            }
          }
          if (kind === "no signature" && bare !== undefined) {
            floors.push(await cost(bare, kind, slice));
          }
        }
      }
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  }
  return { floor: floors, contenders: measured };
}

/** @param {Server} server @param {string} kind @param {number} slice */
async function cost(server, kind, slice) {
  const { make, status, isLarge } = kinds[kind] ?? { make: () => Buffer.alloc(0), status: 0 };
  const count = Math.ceil(isLarge ? slice / largeShare : slice);
  const load = Array.from({ length: count }, () => ({ bytes: make(), status }));
  const before = server.cpu();
  await sendApart(server, load);
  return (server.cpu() - before) / count;
}

/**
 * The section of docs/benchmarks.md.
 *
 * @param {string} machine
 * @param {Record<string, Awaited<ReturnType<typeof attackCosts>>>} modes
 * @param {Record<string, string>} titles
 */
export function attackText(machine, modes, titles) {
  const [first] = Object.values(modes);
  const parts = Object.entries(modes).map(([mode, results]) => `### ${titles[mode]}\n\n${modeText(results)}`);
  return `${machine}.

Microseconds of the server's CPU a request, and its share of an accepted delivery of 1 KiB of the same Worker. "Above the
floor" leaves out of both what a Worker costs that answers 401 without reading anything: it is what the gateway's own
work costs. Medians of ${first?.floor.length} interleaved rounds, shares taken round by round; the spread is half of the
distance between the quartiles. Bodies are of 1 KiB, unless the row says otherwise, and each
request has a connection of its own: workerd closes one that it answers without reading the body. KV and the queue answer
at once, so an accepted delivery costs less here than with real ones. The goal for unsigned requests, those without a
well-formed signature, is a share of at most ${goal.toFixed(2)}.

${parts.join("\n\n")}`;
}

/** @param {Awaited<ReturnType<typeof attackCosts>>} results */
function modeText({ floor, contenders }) {
  const rows = contenders.flatMap(({ name, cpu }) =>
    Object.entries(cpu).flatMap(([kind, times]) => {
      if (times.length === 0) {
        return [];
      }
      const shares = ratios(times, cpu.accepted ?? []);
      const own = ratios(above(times, floor), above(cpu.accepted ?? [], floor));
      const cells = [figure(median(times)), percent(spread(times)), median(shares).toFixed(2), median(own).toFixed(2)];
      return [[`${name}: ${kind}`, ...cells]];
    }),
  );
  const head = ["contender and request", "CPU, µs", "spread", "share", "above the floor"];
  const bare = ["answers only: no signature", figure(median(floor)), percent(spread(floor)), "", ""];
  return `${table(head, [bare, ...rows])}\n\n${verdict({ floor, contenders })}`;
}

/** @param {Awaited<ReturnType<typeof attackCosts>>} results */
function verdict({ floor, contenders }) {
  const unsigned = contenders.flatMap(({ cpu }) =>
    Object.entries(cpu)
      .filter(([kind, times]) => kinds[kind]?.isUnsigned && times.length > 0)
      .map(([, times]) => ({ times, accepted: cpu.accepted ?? [] })),
  );
  const whole = Math.max(...unsigned.map(({ times, accepted }) => median(ratios(times, accepted))));
  const own = Math.max(
    ...unsigned.map(({ times, accepted }) => median(ratios(above(times, floor), above(accepted, floor)))),
  );
  const least = Math.max(...contenders.map(({ cpu }) => median(ratios(floor, cpu.accepted ?? []))));
  const result = whole <= goal ? "met" : `missed: the largest share is ${whole.toFixed(2)}`;
  return `The goal is ${result}. The floor alone is ${least.toFixed(2)}; above it, the largest share is ${own.toFixed(2)}.`;
}

/** @param {number[]} times @param {number[]} floor */
function above(times, floor) {
  return times.map((time, round) => time - (floor[round] ?? 0));
}

/** @param {number} share */
function percent(share) {
  return `${(share * 100).toFixed(0)} %`;
}
