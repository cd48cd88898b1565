// The requests that each example gets, and the answers and logs that it must give.

import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { sign } from "../../../scripts/delivery.mjs";
import { build } from "../../package/builds.mjs";

export const secret = "whsec_test";

const json = { "content-type": "application/json" };
const limit = 2 ** 20;

/**
 * @typedef {object} Delivery
 * @property {string} [body]
 * @property {Record<string, string>} [headers]
 * @property {boolean} [chunked] sent in chunks, without a Content-Length
 * @property {number} status of the answer
 * @property {number} [or] another possible status
 * @property {string | RegExp} [logged] the code of the refusal, or another text in the log
 * @property {string} [handled] the id of the event
 */

/**
 * An event unlike `JSON.stringify`'s output: only the raw body has its signature.
 *
 * @param {string} eventId
 * @param {string} [note]
 */
function bodyOf(eventId, note = "é") {
  return `{ "eventId": "${eventId}", "type": "payment.completed", "data": { "amount": "49.00", "currency": "EUR", "note": "${note}" } }\n`;
}

/** @param {string} body @param {string} [key] */
function signed(body, key = secret) {
  return { body, headers: { ...json, "x-cronozen-signature": sign(body, key) } };
}

/** @param {string} eventId @param {string} [note] */
function good(eventId, note) {
  return { ...signed(bodyOf(eventId, note)), status: 204, handled: eventId };
}

const binary = good("evt_binary");
const tooLarge = { ...signed(bodyOf("evt_large", "x".repeat(limit)).slice(0, limit + 1)), status: 413 };

/** A framework may refuse such a request before the example sees it. */
const refusedEarly = { status: 401, or: 415, logged: /signature_missing|unsupported/i };

/** @type {Record<string, Delivery>} */
const deliveries = {
  "a good delivery": good("evt_1"),
  "a good delivery in chunks": { ...good("evt_2"), chunked: true },
  "a good delivery of 500 KB": good("evt_3", "x".repeat(500_000)),
  "a good delivery of another content type": {
    ...binary,
    headers: { ...binary.headers, "content-type": "application/octet-stream" },
  },
  "a forged signature": {
    ...signed(bodyOf("evt_forged"), "whsec_other"),
    status: 401,
    logged: "signature_mismatch",
  },
  "a malformed signature": {
    body: bodyOf("evt_forged"),
    headers: { ...json, "x-cronozen-signature": "0" },
    status: 401,
    logged: "signature_malformed",
  },
  "no signature": { body: bodyOf("evt_forged"), headers: json, status: 401, logged: "signature_missing" },
  "no content type": { body: bodyOf("evt_forged"), status: 401, logged: "signature_missing" },
  "a malformed content type": {
    body: bodyOf("evt_forged"),
    headers: { "content-type": "nonsense" },
    ...refusedEarly,
  },
  "no body": { headers: json, status: 401, logged: "signature_missing" },
  "no body and no content type": { status: 401, logged: "signature_missing" },
  "no body, in chunks": { chunked: true, status: 401, logged: "signature_missing" },
  "an unknown content encoding": {
    body: bodyOf("evt_forged"),
    headers: { ...json, "content-encoding": "nonsense" },
    ...refusedEarly,
  },
  "signed, but no event": { ...signed("[]"), status: 400, logged: "invalid_event" },
  "a body over the limit": { ...tooLarge, logged: /too.large/i },
  "a body over the limit in chunks": { ...tooLarge, chunked: true, logged: /too.large/i },
  "an event that cannot be handled": { ...signed(bodyOf("evt_fails")), status: 500, logged: /handle failed/ },
};

/** The ids of the events that an example handles, in their order. */
export const handled = [...Object.values(deliveries), good("evt_last")].flatMap(({ handled }) => handled ?? []);

/**
 * Sends every delivery to an example.
 *
 * @param {URL} url
 * @param {() => string} printed
 */
export async function deliverAll(url, printed) {
  for (const [name, delivery] of Object.entries(deliveries)) {
    await assertAnswered(name, delivery, printed, () => send(url, delivery));
  }
  const anonymous = { status: 401, logged: "signature_missing" };
  await assertAnswered("no headers", anonymous, printed, () => sendWithoutHeaders(url));
  await breakOff(url);
  await assertAnswered("a good delivery after a broken-off one", good("evt_last"), printed, () =>
    send(url, good("evt_last")),
  );
}

/**
 * @param {string} name
 * @param {Delivery} delivery
 * @param {() => string} printed
 * @param {() => Promise<{ status: number, body: string }>} answerOf
 */
async function assertAnswered(name, delivery, printed, answerOf) {
  const before = printed().length;
  const { status, body } = await answerOf();
  const answer = `${name}: answered ${status} ${body}\n${printed().slice(before)}`;
  assert.ok([delivery.status, delivery.or].includes(status), answer);
  assert.ok(status === 500 || body === "", answer);
  for (const expected of await logOf(delivery)) {
    await untilPrinted(expected, () => printed().slice(before), name);
  }
}

/**
 * The expected log of a delivery.
 *
 * @param {Delivery} delivery
 * @returns {Promise<(string | RegExp)[]>}
 */
async function logOf({ body = "", headers = {}, logged }) {
  if (typeof logged !== "string") {
    return logged === undefined ? [] : [logged];
  }
  const { Verifier } = await build("index.js");
  const result = new Verifier(secret).check(body, headers);
  assert.ok(!result.ok && result.code === logged, `expected ${logged}, got ${JSON.stringify(result)}`);
  return [result.code, result.message];
}

/** @param {string | RegExp} expected @param {() => string} printed @param {string} name */
async function untilPrinted(expected, printed, name) {
  const isIn = (/** @type {string} */ log) =>
    typeof expected === "string" ? log.includes(expected) : expected.test(log);
  for (let tries = 0; !isIn(printed()); tries += 1) {
    assert.ok(tries < 100, `${name}: expected ${expected} in the log, got\n${printed()}`);
    await setTimeout(100);
  }
}

/**
 * @param {URL} url
 * @param {Delivery} delivery
 */
async function send(url, { body = "", headers = {}, chunked }) {
  const framing = chunked ? { "transfer-encoding": "chunked" } : { "content-length": Buffer.byteLength(body) };
  const sent = request(url, { method: "POST", agent: false, headers: { ...headers, ...framing } });
  sent.end(body);
  const [response] = await once(sent, "response");
  return { status: response.statusCode, body: await text(response) };
}

/** Sends a POST with only the header that HTTP requires. @param {URL} url */
async function sendWithoutHeaders({ hostname, port, pathname }) {
  const socket = connect(Number(port), hostname);
  socket.write(`POST ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
  const [data] = await once(socket, "data");
  socket.destroy();
  return { status: Number(String(data).split(" ")[1]), body: "" };
}

/** Resets the connection in the middle of a body. @param {URL} url */
async function breakOff({ hostname, port, pathname }) {
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.write(`POST ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: 100\r\n\r\nabc`);
  await setTimeout(50);
  socket.resetAndDestroy();
  await setTimeout(50);
}
