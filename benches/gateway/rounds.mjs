// Interleaved rounds: in each, every contender gets a slice of the load, one after the other, so that what disturbs a
// round disturbs all of them.

import { quantile } from "../report.mjs";
import { deliveries, firstDeliveries } from "./deliveries.mjs";
import { send } from "./load.mjs";

/** By then everything that will be compiled is. */
const warmUp = 6000;

/**
 * Microseconds of CPU a request, and latencies in milliseconds, by round.
 *
 * @typedef {{ cpu: number[], p50: number[], p99: number[] }} Measured
 */

/**
 * @param {import("./server.mjs").Server[]} servers
 * @param {number} rounds
 * @param {number} slice requests of one contender in one round
 * @returns {Promise<Measured[]>} in the order of the servers
 */
export async function measure(servers, rounds, slice) {
  for (const server of servers) {
    await send(server, firstDeliveries());
    await send(server, deliveries(warmUp));
  }
  const measured = servers.map(() => ({ cpu: /** @type {number[]} */ ([]), p50: [], p99: [] }));
  for (let round = 0; round < rounds; round += 1) {
    const order = servers.map((_, index) => (index + round) % servers.length);
    for (const index of round % 2 === 0 ? order : order.toReversed()) {
      const [server, results] = [servers[index], measured[index]];
      if (server !== undefined && results !== undefined) {
        await slices(server, slice, results);
      }
    }
  }
  return measured;
}

/** @param {import("./server.mjs").Server} server @param {number} slice @param {Measured} results */
async function slices(server, slice, results) {
  const load = deliveries(slice);
  const before = server.cpu();
  const latencies = await send(server, load);
  results.cpu.push((server.cpu() - before) / slice);
  results.p50.push(quantile(latencies, 0.5));
  results.p99.push(quantile(latencies, 0.99));
}
