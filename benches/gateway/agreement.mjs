// Checks, before the timing, that all contenders do the same: they must give the same answers, queue the same messages
// and write the same log lines, except for times and the wording of reasons.

import assert from "node:assert/strict";
import { sign } from "../../scripts/delivery.mjs";
import { bodyOf, request } from "./deliveries.mjs";
import { askOnce } from "./load.mjs";
import { Server, secret } from "./server.mjs";

const maxBodyBytes = 127_000;

/** @param {unknown} event @param {string} [key] */
function signed(event, key = secret) {
  const body = Buffer.isBuffer(event) ? event : Buffer.from(typeof event === "string" ? event : JSON.stringify(event));
  return request(body, sign(body, key));
}

/** Returns a request whose body has no declared length. @param {string} eventId @param {number} [bytes] */
function chunked(eventId, bytes) {
  const body = bodyOf(eventId, bytes);
  const [head = ""] = request(body, sign(body, secret)).toString().split("\r\n\r\n", 1);
  const size = body.length.toString(16);
  return Buffer.from(
    `${head.replace(/Content-Length: \d+/, "Transfer-Encoding: chunked")}\r\n\r\n${size}\r\n${body}\r\n0\r\n\r\n`,
  );
}

/** Returns a request without the body that it declares. @param {string} signature */
function withheld(signature) {
  const whole = request(bodyOf("evt_withheld"), signature);
  return whole.subarray(0, whole.indexOf("\r\n\r\n") + 4);
}

const body = bodyOf("evt_new");
const signature = sign(body, secret);
const queried = bodyOf("evt_queried");

const seenBefore = signed(bodyOf("evt_duplicate"));

/**
 * The requests, and their expected statuses. Bindings that remember nothing report the first request as a duplicate.
 *
 * @type {Record<string, [status: number | undefined, bytes: Buffer]>}
 */
const cases = {
  "an event that is seen again": [undefined, seenBefore],
  "a new event": [202, request(body, signature)],
  "an event seen before": [200, seenBefore],
  "a body without a declared length": [202, chunked("evt_chunked")],
  "a large body without a declared length": [202, chunked("evt_chunked_large", maxBodyBytes)],
  "a body without a declared length that is too large": [413, chunked("evt_chunked_larger", maxBodyBytes + 1)],
  "another secret": [401, signed(body, "whsec_wrong")],
  "no signature": [401, request(body, undefined)],
  "a signature in upper case": [401, request(body, signature.toUpperCase())],
  "a signature that is too short": [401, request(body, signature.slice(1))],
  "a signature with a prefix": [401, request(body, `sha256=${signature}`)],
  "no signature, and a body that is too large": [401, request(bodyOf("evt_large", maxBodyBytes + 1), undefined)],
  "a malformed signature, and a body that does not arrive": [401, withheld(signature.slice(1))],
  "another body": [401, request(`${body} `, signature)],
  "an empty body": [400, signed("")],
  "not JSON": [400, signed('{"eventId":"evt_1"')],
  "JSON and more": [400, signed('{"eventId":"evt_1"} {}')],
  "an array": [400, signed([{ eventId: "evt_1" }])],
  "not UTF-8": [400, signed(Buffer.concat([Buffer.from('{"eventId":"evt_1","x":"'), Buffer.from([0xff, 0x22, 0x7d])]))],
  "a byte order mark": [400, signed('\u{feff}{"eventId":"evt_1"}')],
  "no eventId": [400, signed({ id: "evt_1" })],
  "an eventId that is a number": [400, signed({ eventId: 1 })],
  "an empty eventId": [400, signed({ eventId: "" })],
  "an eventId of 256 bytes": [202, signed({ eventId: "é".repeat(128) })],
  "an eventId of 257 bytes": [400, signed({ eventId: `${"é".repeat(128)}x` })],
  "an eventId with a control character": [400, signed({ eventId: "evt\u0001" })],
  "an eventId with half of a surrogate pair": [400, signed('{"eventId":"\\ud800"}')],
  "an eventId given twice": [202, signed('{"eventId":1,"eventId":"evt_last"}')],
  "a type called event": [202, signed({ eventId: "evt_3", event: "dpu.sealed", eventType: "x" })],
  "a type that is not a string": [202, signed({ eventId: "evt_4", type: {}, eventType: "dpu.sealed" })],
  "an old event": [202, signed({ eventId: "evt_5", createdAt: "2020-01-01T00:00:00Z" })],
  "an event from the future": [202, signed({ eventId: "evt_6", createdAt: "2100-01-01T00:00:00+02:00" })],
  "a createdAt that is not a time": [202, signed({ eventId: "evt_7", createdAt: "yesterday" })],
  "white space and numbers": [202, signed(' {"eventId":"evt_8",\t"big":9007199254740993, "zero":-0}\n')],
  "the largest body": [202, signed(bodyOf("evt_largest", maxBodyBytes))],
  "a body that is too large": [413, signed(bodyOf("evt_large", maxBodyBytes + 1))],
  "a message that is too large": [413, signed({ eventId: "evt_1", type: "x".repeat(70_000) })],
  "another path": [404, request(body, signature, { path: "/webhooks/cronozen/" })],
  "a query": [202, request(queried, sign(queried, secret), { path: "/webhooks/cronozen?a=b" })],
  "another method": [405, request(body, signature, { method: "PUT" })],
};

const comparedHeaders = ["content-type", "cache-control", "allow", "retry-after"];

/**
 * Returns a contender's answers, messages and log lines for all cases.
 *
 * @param {import("./contenders.mjs").Contender} contender
 * @param {Record<string, string>} settings
 */
async function behaviour(contender, settings) {
  /** @type {string[]} */
  const lines = [];
  const server = await new Server(contender, settings, { logged: (line) => lines.push(line) }).listening();
  try {
    /** @type {Record<string, unknown>} */
    const results = {};
    for (const [name, [status, bytes]] of Object.entries(cases)) {
      const answered = await askOnce(server.port, bytes);
      assert.equal(answered.status, status ?? answered.status, `${contender.name}: ${name}: ${answered.body}`);
      const message = await askOnce(server.port, request("", undefined, { method: "GET", path: "/bench" }));
      const { detail, ...answer } = JSON.parse(answered.body);
      results[name] = {
        answer,
        detailed: typeof detail,
        headers: comparedHeaders.map((header) => new RegExp(`^${header}: (.+)$`, "im").exec(answered.head)?.[1]),
        message: message.body.replace(/"receivedAt":"[^"]+"/, '"receivedAt":""'),
      };
    }
    results.log = lines.map(comparableLine);
    assert.equal(lines.length, Object.keys(cases).length, "one log line for each case");
    return results;
  } finally {
    await server.stop();
  }
}

/** @param {string} line */
function comparableLine(line) {
  const { level, message } = JSON.parse(line);
  const { at, ms, reason, ...rest } = JSON.parse(message);
  return { level, ...rest, timed: [typeof at, typeof ms], reasoned: typeof reason };
}

/**
 * @param {import("./contenders.mjs").Contender[]} contenders
 * @param {Record<string, string>} settings
 * @returns {Promise<number>} the number of cases
 */
export async function agree(contenders, settings) {
  const deciding = contenders.filter(({ decides }) => decides);
  const behaviours = [];
  for (const contender of deciding) {
    behaviours.push(await behaviour(contender, settings));
  }
  for (const [index, results] of behaviours.entries()) {
    assert.deepEqual(results, behaviours[0], `${deciding[index]?.name} and ${deciding[0]?.name} differ`);
  }
  return Object.keys(cases).length;
}
