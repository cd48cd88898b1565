// The load: a fixed number of connections that stay open, each of which sends its next request as soon as it has the
// answer to the last. It uses raw sockets, so that the client costs as little as possible.

import { once } from "node:events";
import { connect } from "node:net";

const connections = 8;

/** Far longer than any answer takes. */
const patienceMs = 20_000;

const headEnd = Buffer.from("\r\n\r\n");

/**
 * One answer.
 *
 * @typedef {{ status: number, head: string, body: string }} Answer
 */

class Connection {
  /** @type {(answer: Answer) => void} */
  #answered = () => {};
  /** @type {(error: Error) => void} */
  #failed = () => {};
  /** @type {Buffer} */
  #received = Buffer.alloc(0);
  #socket;

  /** @param {number} port */
  constructor(port) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("data", (data) => this.#receive(data));
    this.#socket.on("error", (error) => this.#failed(error));
    this.#socket.on("close", () => this.#failed(new Error("the connection has been closed")));
    this.#socket.setTimeout(patienceMs, () => this.#failed(new Error(`no answer within ${patienceMs} ms`)));
  }

  async open() {
    await once(this.#socket, "connect");
    return this;
  }

  /** @param {Buffer} bytes @returns {Promise<Answer>} */
  ask(bytes) {
    return new Promise((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
      this.#socket.write(bytes);
    });
  }

  close() {
    this.#socket.destroy();
  }

  /** @param {Buffer} data */
  #receive(data) {
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    const end = this.#received.indexOf(headEnd);
    if (end < 0) {
      return;
    }
    const head = this.#received.toString("latin1", 0, end);
    const bodyStart = end + headEnd.length;
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1]);
    if (this.#received.length < bodyStart + length) {
      return;
    }
    const body = this.#received.toString("utf8", bodyStart, bodyStart + length);
    this./** @type {Buffer} */ #received = Buffer.alloc(0);
    this.#answered({ status: Number(head.slice(9, 12)), head, body });
  }
}

/** Sends one request on a new connection. @param {number} port @param {Buffer} bytes */
export async function askOnce(port, bytes) {
  const connection = await new Connection(port).open();
  try {
    return await connection.ask(bytes);
  } finally {
    connection.close();
  }
}

/**
 * Sends all deliveries, each on a new connection: workerd closes one whose request it has answered without reading the body.
 *
 * @param {import("./server.mjs").Server} server
 * @param {import("./deliveries.mjs").Delivery[]} deliveries
 */
export async function sendApart({ port, decides }, deliveries) {
  let next = 0;
  const work = Array.from({ length: connections }, async () => {
    for (let delivery = deliveries[next++]; delivery !== undefined; delivery = deliveries[next++]) {
      const { status, body } = await askOnce(port, delivery.bytes);
      if (decides && status !== delivery.status) {
        throw new Error(`expected ${delivery.status}, got ${status} ${body}`);
      }
    }
  });
  await Promise.all(work);
}

/**
 * Sends all deliveries. Throws an error if an answer has an unexpected status.
 *
 * @param {import("./server.mjs").Server} server
 * @param {import("./deliveries.mjs").Delivery[]} deliveries
 * @returns {Promise<number[]>} the time of each, in milliseconds
 */
export async function send({ port, decides }, deliveries) {
  const open = await Promise.all(Array.from({ length: connections }, () => new Connection(port).open()));
  /** @type {number[]} */
  const latencies = [];
  let next = 0;
  const work = open.map(async (connection) => {
    for (let delivery = deliveries[next++]; delivery !== undefined; delivery = deliveries[next++]) {
      const started = performance.now();
      const { status, body } = await connection.ask(delivery.bytes);
      latencies.push(performance.now() - started);
      if (decides && delivery.status !== undefined && status !== delivery.status) {
        throw new Error(`expected ${delivery.status}, got ${status} ${body}`);
      }
    }
  });
  try {
    await Promise.all(work);
  } finally {
    for (const connection of open) {
      connection.close();
    }
  }
  return latencies;
}
