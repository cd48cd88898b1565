// A service on this machine that takes messages, and fails as a test wants it to.

import { once } from "node:events";
import { createServer } from "node:http";

/** @typedef {(answer: import("node:http").ServerResponse) => unknown} Behaviour */

/** A part of each URL that must be nowhere else. */
export const secretPart = "s3cr3t-token";

/** @type {Service[]} */
const services = [];

/** Stops all services of a test. */
export function stopServices() {
  for (const { server } of services.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
}

export class Service {
  /** The bodies that it has taken. @type {any[]} */
  taken = [];
  requests = 0;
  /** @type {Behaviour | undefined} */
  fails;
  url = "";

  constructor() {
    this.server = createServer((request, answer) => void this.#answer(request, answer));
    services.push(this);
  }

  static async start() {
    const service = new Service();
    service.server.listen(0, "127.0.0.1");
    await once(service.server, "listening");
    const { port } = /** @type {import("node:net").AddressInfo} */ (service.server.address());
    service.url = `http://127.0.0.1:${port}/${secretPart}`;
    return service;
  }

  /** @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} answer */
  async #answer(request, answer) {
    this.requests += 1;
    const chunks = await request.toArray();
    if (this.fails !== undefined) {
      this.fails(answer);
      return;
    }
    this.taken.push(request.method === "GET" ? "GET" : JSON.parse(Buffer.concat(chunks).toString()));
    answer.writeHead(204).end();
  }
}
