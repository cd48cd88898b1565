// V8's CPU profile of a gateway under load, from workerd's inspector.

import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { table } from "../report.mjs";
import { deliveries, firstDeliveries } from "./deliveries.mjs";
import { send } from "./load.mjs";
import { Server } from "./server.mjs";

const warmUp = 6000;
const counted = 10_000;

/** Between two samples, in microseconds. */
const interval = 200;

/** @typedef {{ functionName: string, url: string, lineNumber: number }} Frame */

/**
 * Writes the profile, for a browser's developer tools, and returns tables of the functions with the most own time.
 *
 * @param {import("./contenders.mjs").Contender} contender
 * @param {Record<string, string>} settings
 * @param {string} file
 */
export async function profiled(contender, settings, file) {
  const server = new Server(contender, settings, { args: ["--inspector-addr=127.0.0.1:0"] });
  try {
    await server.listening();
    const inspector = await Inspector.connect(server.inspectorPort);
    await send(server, firstDeliveries());
    await send(server, deliveries(warmUp));
    await inspector.call("Profiler.enable");
    await inspector.call("Profiler.setSamplingInterval", { interval });
    await inspector.call("Profiler.start");
    await send(server, deliveries(counted));
    const result = await inspector.call("Profiler.stop");
    inspector.close();
    writeFileSync(file, JSON.stringify(result.profile));
    return summary(result.profile);
  } finally {
    await server.stop();
  }
}

class Inspector {
  #socket;
  #calls = 0;

  /** @param {number | undefined} port */
  static async connect(port) {
    const [{ webSocketDebuggerUrl }] = /** @type {any} */ (await (await fetch(`http://127.0.0.1:${port}/json`)).json());
    const socket = new WebSocket(webSocketDebuggerUrl);
    await once(socket, "open");
    return new Inspector(socket);
  }

  /** @param {WebSocket} socket */
  constructor(socket) {
    this.#socket = socket;
  }

  /** @param {string} method @param {Record<string, unknown>} [params] @returns {Promise<any>} */
  async call(method, params = {}) {
    this.#calls += 1;
    const id = this.#calls;
    this.#socket.send(JSON.stringify({ id, method, params }));
    for (;;) {
      const [{ data }] = await once(this.#socket, "message");
      const message = JSON.parse(data);
      if (message.id === id) {
        return message.result;
      }
    }
  }

  close() {
    this.#socket.close();
  }
}

/** @param {{ nodes: { id: number, callFrame: Frame }[], samples: number[], timeDeltas: number[] }} profile */
function summary({ nodes, samples, timeDeltas }) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  /** @type {Map<string, number>} */
  const times = new Map();
  /** @type {Map<string, number>} */
  const kinds = new Map();
  let total = 0;
  for (const [index, sample] of samples.entries()) {
    const frame = frames.get(sample);
    const time = timeDeltas[index] ?? 0;
    if (frame === undefined || frame.functionName === "(idle)") {
      continue;
    }
    total += time;
    const place = `${frame.functionName || "(anonymous)"} ${frame.url.split("/").at(-1)}:${frame.lineNumber + 1}`;
    times.set(place, (times.get(place) ?? 0) + time);
    kinds.set(kindOf(frame), (kinds.get(kindOf(frame)) ?? 0) + time);
  }
  const rows = (/** @type {Map<string, number>} */ map) =>
    [...map]
      .toSorted(([, one], [, other]) => other - one)
      .slice(0, 40)
      .map(([name, time]) => [name, (time / counted).toFixed(2), `${((100 * time) / total).toFixed(1)} %`]);
  const head = ["own time", "µs a request", "share"];
  return `${table(head, rows(kinds))}\n\n${table(head, rows(times))}`;
}

/** @param {Frame} frame */
function kindOf({ functionName, url }) {
  if (url.startsWith("wasm") || url.endsWith(".wasm")) {
    return "WebAssembly";
  }
  if (/^\(.+\)$/.test(functionName)) {
    return functionName;
  }
  if (url === "") {
    return "the runtime, called from JavaScript";
  }
  return /main\.mjs|bindings\.mjs/.test(url) ? "the bench itself" : "JavaScript";
}
