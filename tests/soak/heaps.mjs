// The JavaScript heaps of each Worker in workerd, the simulators' too, from its inspector.

import { once } from "node:events";

/** @typedef {Record<string, number>} Mebibytes by the name of the Worker */

export class Heaps {
  /** @type {Map<string, WebSocket>} */
  #sockets = new Map();
  #calls = 0;

  /** @param {URL} inspector */
  static async connect(inspector) {
    const heaps = new Heaps();
    const list = await fetch(new URL("/json", inspector.href.replace("ws:", "http:")));
    for (const { id, webSocketDebuggerUrl } of /** @type {any[]} */ (await list.json())) {
      const socket = new WebSocket(webSocketDebuggerUrl);
      await once(socket, "open");
      heaps.#sockets.set(id, socket);
    }
    return heaps;
  }

  /** Returns the memory that each heap uses, buffers and WebAssembly's memory included. @returns {Promise<Mebibytes>} */
  async usage() {
    const entries = [...this.#sockets].map(async ([name, socket]) => {
      const { usedSize, embedderHeapUsedSize, backingStorageSize } = await this.#call(socket, "Runtime.getHeapUsage");
      return [name, (usedSize + embedderHeapUsedSize + backingStorageSize) / 2 ** 20];
    });
    return Object.fromEntries(await Promise.all(entries));
  }

  close() {
    for (const socket of this.#sockets.values()) {
      socket.close();
    }
  }

  /** @param {WebSocket} socket @param {string} method @returns {Promise<any>} */
  #call(socket, method) {
    this.#calls += 1;
    const id = this.#calls;
    const { promise, resolve, reject } = Promise.withResolvers();
    /** @param {MessageEvent} event */
    const answered = ({ data }) => {
      const message = JSON.parse(data);
      if (message.id === id) {
        socket.removeEventListener("message", answered);
        socket.removeEventListener("close", closed);
        resolve(message.result);
      }
    };
    const closed = () => reject(new Error("inspector closed its connection: workerd may have ended"));
    socket.addEventListener("message", answered);
    socket.addEventListener("close", closed);
    if (socket.readyState !== WebSocket.OPEN) {
      closed();
    }
    socket.send(JSON.stringify({ id, method }));
    return promise;
  }
}
