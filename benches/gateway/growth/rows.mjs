// The cost of a delivery in strict mode, on the runtime's own SQLite, by the number of remembered events.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { root } from "../../../scripts/command.mjs";
import { sign } from "../../../scripts/delivery.mjs";
import { builtModules, moduleIn } from "../../../tests/support/modules.mjs";
import { shardOf } from "../../../tests/worker/gateway.mjs";
import { quantile } from "../../report.mjs";
import { modes } from "../contenders.mjs";
import { bodyOf, request } from "../deliveries.mjs";
import { askOnce, send } from "../load.mjs";
import { Server, secret } from "../server.mjs";

/** The only shard that is used: all deliveries go to it. */
const shard = 0;

/** The new events of a slice. Each is delivered twice. */
const events = 200;

const warmUpSlices = 10;

/** @typedef {{ rows: number, cpu: number[], p50: number[] }} Remembering `cpu` in µs, `p50` in ms, by round */

/** @param {readonly number[]} counts @param {number} rounds @returns {Promise<Remembering[]>} */
export async function costByRows(counts, rounds) {
  const inside = join(root, "benches", "gateway", "inside");
  const modules = [
    ...["remembers.mjs", "bindings.mjs"].map((name) => moduleIn(inside, name, "")),
    ...builtModules(join(root, "build", "worker"), "/gateway"),
  ];
  const servers = counts.map((rows) => {
    const contender = { name: `${rows} rows`, modules, decides: true };
    return new Server(contender, modes.object ?? {});
  });
  const measured = counts.map((rows) => ({ rows, cpu: /** @type {number[]} */ ([]), p50: [] }));
  try {
    for (const [index, server] of servers.entries()) {
      await server.listening();
      await remember(server, counts[index] ?? 0);
      for (let slice = 0; slice < warmUpSlices; slice += 1) {
        await send(server, newAndRepeated());
      }
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const position of servers.keys()) {
        const index = (position + round) % servers.length;
        const [server, results] = [servers[index], measured[index]];
        if (server !== undefined && results !== undefined) {
          await takeSlice(server, results);
        }
      }
    }
    return measured;
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/** @param {Server} server @param {Remembering} results */
async function takeSlice(server, results) {
  await remember(server, results.rows);
  const load = newAndRepeated();
  const before = server.cpu();
  const latencies = await send(server, load);
  results.cpu.push((server.cpu() - before) / load.length);
  results.p50.push(quantile(latencies, 0.5));
}

/** Makes the object remember exactly `rows` events. @param {Server} server @param {number} rows */
async function remember(server, rows) {
  const path = `/bench?shard=${shard}&rows=${rows}`;
  const { body } = await askOnce(server.port, request("", undefined, { method: "GET", path }));
  if (Number(body) !== rows) {
    throw new Error(`expected the object to remember ${rows} events, got ${body}`);
  }
}

/** @returns {import("../deliveries.mjs").Delivery[]} */
function newAndRepeated() {
  const requests = Array.from({ length: events }, () => {
    const body = bodyOf(newId());
    return request(body, sign(body, secret));
  });
  return [202, 200].flatMap((status) => requests.map((bytes) => ({ bytes, status })));
}

/** Returns the id of an event that belongs to the object. */
function newId() {
  for (;;) {
    const id = `evt_${randomBytes(16).toString("hex")}`;
    if (shardOf(id) === shard) {
      return id;
    }
  }
}
