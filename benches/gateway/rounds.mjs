// Interleaved rounds: in each, every contender in turn gets a slice of the load, so that a disturbance affects all of
// them. Processes are replaced every few rounds, because V8 does not optimise each in the same way.

import { quantile } from "../report.mjs";
import { deliveries, firstDeliveries } from "./deliveries.mjs";
import { send } from "./load.mjs";
import { Server } from "./server.mjs";

/**
 * Microseconds of CPU a request, and latencies in milliseconds, by round.
 *
 * @typedef {{ name: string, cpu: number[], p50: number[], p99: number[] }} Measured
 *
 * @typedef {object} Extent
 * @property {number} launches of every contender
 * @property {number} rounds for each launch
 * @property {number} slice requests of one contender in one round
 * @property {number} warmUp requests of each process before its first round
 */

/**
 * @param {import("./contenders.mjs").Contender[]} contenders
 * @param {Record<string, string>} settings
 * @param {Extent} extent
 * @returns {Promise<Measured[]>} in the order of the contenders
 */
export async function measure(contenders, settings, { launches, rounds, slice, warmUp }) {
  /** @type {Measured[]} */
  const measured = contenders.map(({ name }) => ({ name, cpu: [], p50: [], p99: [] }));
  for (let launch = 0; launch < launches; launch += 1) {
    const servers = contenders.map((contender) => new Server(contender, settings));
    try {
      for (const server of servers) {
        await server.listening();
        await send(server, firstDeliveries());
        await send(server, deliveries(warmUp));
      }
      for (let round = 0; round < rounds; round += 1) {
        for (const index of order(servers.length, launch * rounds + round)) {
          const [server, results] = [servers[index], measured[index]];
          if (server !== undefined && results !== undefined) {
            await takeSlice(server, slice, results);
          }
        }
      }
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  }
  return measured;
}

/** Returns an order that changes from round to round. @param {number} length @param {number} round */
function order(length, round) {
  const rotated = Array.from({ length }, (_, index) => (index + round) % length);
  return round % 2 === 0 ? rotated : rotated.toReversed();
}

/** @param {Server} server @param {number} slice @param {Measured} results */
async function takeSlice(server, slice, results) {
  const load = deliveries(slice);
  const before = server.cpu();
  const latencies = await send(server, load);
  results.cpu.push((server.cpu() - before) / slice);
  results.p50.push(quantile(latencies, 0.5));
  results.p99.push(quantile(latencies, 0.99));
}
