// Raw requests to the socket of workerd itself, without a client or a proxy that would correct them.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { sign, webhookPath } from "../../scripts/delivery.mjs";
import { circumstanceHeaders, newEvent, secret, sleep } from "./gateway.mjs";

/**
 * A part of what is sent: bytes, a pause in milliseconds, or bytes that are sent again and again until the first byte of
 * an answer, with a pause in milliseconds.
 *
 * @typedef {string | Buffer | number | { again: string, pauseMs: number }} Part
 */

/**
 * The lines of a request, each with its line break. An absent one is as usual.
 *
 * @typedef {{ line?: string, host?: string, type?: string, length?: string, signature?: string, extra?: string,
 *   body?: string | Buffer, settings?: Record<string, unknown> }} Lines
 */

/** The longest wait for the end of a connection. workerd itself closes an idle one after 15 s. */
const patienceMs = 40_000;

/** The last request on a connection. */
export const close = "Connection: close\r\n";

/** The header line of a signature. @param {string} value */
export const signatureLine = (value) => `X-Cronozen-Signature: ${value}\r\n`;

/** A chunk of a body. @param {string} text */
export function chunk(text) {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

/** A signed event, and the requests that deliver it. */
export class Delivery {
  /** @param {Record<string, unknown>} [settings] of the gateway */
  constructor(settings = {}) {
    this.settings = settings;
    Object.assign(this, newEvent());
  }

  eventId = "";
  body = "";

  get signature() {
    return sign(this.body, secret);
  }

  get bytes() {
    return Buffer.byteLength(this.body);
  }

  /** The head of a request, with the empty line. @param {Lines} [lines] */
  head({ line, host, type, length, signature, extra, body, settings } = {}) {
    const headers = circumstanceHeaders({ settings: { ...this.settings, ...settings } });
    return [
      line ?? `POST ${webhookPath} HTTP/1.1\r\n`,
      host ?? "Host: gateway\r\n",
      type ?? "Content-Type: application/json\r\n",
      length ?? `Content-Length: ${Buffer.byteLength(body ?? this.body)}\r\n`,
      signature ?? signatureLine(sign(body ?? this.body, secret)),
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`),
      extra ?? "",
      "\r\n",
    ].join("");
  }

  /** A whole request. @param {Lines} [lines] */
  request(lines = {}) {
    return Buffer.concat([Buffer.from(this.head(lines)), Buffer.from(lines.body ?? this.body)]);
  }

  /** A request whose body has this framing. @param {string} length @param {string} framed @param {Lines} [lines] */
  framed(length, framed, lines) {
    return this.head({ ...lines, length }) + framed;
  }
}

/**
 * Connects to workerd, without the simulator's own Worker in front.
 *
 * @param {{ miniflare: import("miniflare").Miniflare }} gateway with `unsafeDirectSockets`
 */
export async function connectDirectly({ miniflare }) {
  const { port, hostname } = await miniflare.unsafeGetDirectURL();
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  return socket;
}

/**
 * Sends the parts, waits for `expected` answers, then asks for the health on the same connection and reads it to its end.
 * Returns each answer as its status and its code, if it has one: `401 invalid_signature`. The last one is `200 ok` if the
 * connection was still of use. Returns also the milliseconds until the connection was closed.
 *
 * @param {{ miniflare: import("miniflare").Miniflare }} gateway
 * @param {Part[]} parts
 * @param {number} expected
 */
export async function converse(gateway, parts, expected) {
  for (let tries = 0; ; tries += 1) {
    const started = performance.now();
    const { text, wasReset } = await exchange(await connectDirectly(gateway), parts, expected);
    // A client that still sends when workerd has answered and closed may see the reset, and not the answer.
    if (!(wasReset && text === "") || tries === 5) {
      return { answers: answersIn(text), text, ms: performance.now() - started };
    }
  }
}

/** @param {import("node:net").Socket} socket @param {Part[]} parts @param {number} expected */
async function exchange(socket, parts, expected) {
  let text = "";
  let isOpen = true;
  let wasReset = false;
  socket.setEncoding("latin1");
  socket.on("data", (data) => {
    text += data;
  });
  socket.on("error", () => {
    wasReset = true;
  });
  socket.on("close", () => {
    isOpen = false;
  });
  const end = performance.now() + patienceMs;
  /** @param {() => boolean} condition */
  const waitWhile = async (condition) => {
    while (isOpen && condition()) {
      assert.ok(performance.now() < end, `the connection stays open: ${text}`);
      await sleep(5);
    }
  };
  for (const part of joined(parts)) {
    await send(socket, part, () => isOpen && text === "");
  }
  await waitWhile(() => expected === 0 || answersIn(text).length < expected);
  if (isOpen) {
    socket.write(`GET /healthz HTTP/1.1\r\nHost: gateway\r\n${close}\r\n`);
  }
  await waitWhile(() => true);
  return { text, wasReset };
}

/** Joins the parts that are sent without a pause, so that they are one packet. @param {Part[]} parts */
function joined(parts) {
  /** @type {(Buffer | Exclude<Part, string>)[]} */
  const result = [];
  for (const part of parts) {
    const last = result.at(-1);
    const next = typeof part === "string" ? Buffer.from(part) : part;
    if (last instanceof Buffer && next instanceof Buffer) {
      result[result.length - 1] = Buffer.concat([last, next]);
    } else {
      result.push(next);
    }
  }
  return result;
}

/** @param {import("node:net").Socket} socket @param {Exclude<Part, string>} part @param {() => boolean} waits */
async function send(socket, part, waits) {
  if (typeof part === "number") {
    await sleep(part);
  } else if ("again" in part) {
    while (waits()) {
      socket.write(part.again);
      await sleep(part.pauseMs);
    }
  } else {
    socket.write(part);
  }
}

/** @param {string} text */
function answersIn(text) {
  const answers = text.split(/(?=HTTP\/1\.[01] \d{3} )/).filter((answer) => answer !== "");
  return answers.map((answer) => {
    const [, status] = /^HTTP\/1\.[01] (\d{3}) /.exec(answer) ?? assert.fail(answer);
    // The code of a success is its `status`.
    const [, code] = /"(?:code|status)":"(\w+)"/.exec(answer) ?? [];
    return code === undefined ? String(status) : `${status} ${code}`;
  });
}
