// The memory of a gateway that runs for a long time.

import { median } from "../report.mjs";
import { deliveries, firstDeliveries } from "./deliveries.mjs";
import { send } from "./load.mjs";
import { Server } from "./server.mjs";

/** Requests between two samples. */
const step = 1000;

/**
 * Resident memory in MiB: over each quarter of the requests, the median and the most.
 *
 * @param {import("./contenders.mjs").Contender} contender
 * @param {Record<string, string>} settings
 * @param {number} requests
 */
export async function memoryAlong(contender, settings, requests) {
  const server = await new Server(contender, settings).listening();
  try {
    await send(server, firstDeliveries());
    const quarters = [];
    for (let quarter = 1; quarter <= 4; quarter += 1) {
      const samples = [];
      for (let sent = 0; sent < requests / 4; sent += step) {
        await send(server, deliveries(step));
        samples.push(server.memory());
      }
      quarters.push({ requests: (requests / 4) * quarter, median: median(samples), most: Math.max(...samples) });
    }
    return quarters;
  } finally {
    await server.stop();
  }
}
