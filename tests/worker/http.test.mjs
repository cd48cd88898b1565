// Unusual requests: each has the answer of its row in docs/reference.md, and leaves the gateway as it was.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { sleep, TestGateway } from "./gateway.mjs";
import { connections } from "./http/connections.mjs";
import { framing } from "./http/framing.mjs";
import { headers } from "./http/headers.mjs";
import { targets } from "./http/targets.mjs";
import { close, converse, Delivery } from "./raw.mjs";

/**
 * Requests that have the same answers: a row of the table. Each case has its name, and makes the parts from one or two
 * deliveries. An answer without a code is workerd's. `closesInMs` are the least and the most milliseconds until workerd
 * closes the connection.
 *
 * @typedef {[name: string, make: (delivery: Delivery, other: Delivery) => import("./raw.mjs").Part | import("./raw.mjs").Part[]]} Case
 * @typedef {{ sent: string, answers: string[], cases: Case[], closesInMs?: [least: number, most: number] }} Row
 */

/** In the order of the table. @type {Row[]} */
const rows = [...headers, ...framing, ...targets, ...connections];

/** @type {TestGateway} */
let gateway;
before(async () => {
  gateway = await TestGateway.start();
});
after(() => gateway.stop());

/** Waits until the queue has delivered an event, and with it all before it. Returns all messages. @param {string} eventId */
async function receivedWith(eventId) {
  for (let tries = 0; tries < 400; tries += 1) {
    const { received } = await gateway.observed();
    if (received.some((text) => text.includes(`"${eventId}"`))) {
      return received;
    }
    await sleep(25);
  }
  return assert.fail(`${eventId} is not on the queue`);
}

/** The ids of the events that are answered 202. @param {string} text */
function acceptedIn(text) {
  return [...text.matchAll(/"status":"accepted","eventId":"([^"]+)"/g)].map(([, eventId]) => eventId);
}

const modes = ["kv", "durable-object"];

// The last row takes 15 s, so it comes first, and the others meanwhile.
describe("an unusual request", { concurrency: 4 }, () => {
  for (const {
    sent,
    answers,
    cases,
    closesInMs: [leastMs, mostMs] = [0, Number.POSITIVE_INFINITY],
  } of rows.toReversed()) {
    // The gateway sees nothing of what workerd alone answers, so its mode does not matter.
    const isAnsweredByWorkerd = answers.every((answer) => !answer.includes(" "));
    for (const mode of isAnsweredByWorkerd ? modes.slice(0, 1) : modes) {
      test(`${mode}: ${sent}`, async () => {
        /** @type {{ delivery: Delivery, name: string, isAccepted: boolean }[]} */
        const deliveries = [];
        for (const [name, make] of cases) {
          const [delivery, other, fresh] = [1, 2, 3].map(() => new Delivery({ DEDUPE: mode }));
          assert.ok(delivery && other && fresh);
          const parts = [make(delivery, other)].flat();
          const { answers: found, text, ms } = await converse(gateway, parts, answers.length);
          assert.ok(ms > leastMs && ms < mostMs, `${name}: closed after ${ms} ms`);
          assert.deepEqual(found.slice(0, answers.length), answers, name);
          // Anything else is the answer to bytes that were no request.
          const more = found.slice(answers.length);
          assert.ok(more.length === 0 || (more.length === 1 && more[0] === "200 ok"), `${name}: ${more}`);
          const accepted = acceptedIn(text);
          const sentIds = [delivery, other].map(({ eventId }) => eventId);
          assert.deepEqual(
            accepted,
            sentIds.filter((eventId) => accepted.includes(eventId)),
            `${name}: order`,
          );
          const isAccepted = accepted.includes(delivery.eventId);
          deliveries.push({ delivery: other, name, isAccepted: accepted.includes(other.eventId) });
          if (isAccepted) {
            deliveries.push({ delivery, name, isAccepted });
          }
          // An event that was refused is no duplicate when it is delivered again.
          const next = isAccepted ? fresh : delivery;
          const after = await converse(gateway, [next.request({ extra: close })], 1);
          assert.deepEqual(after.answers, ["202 accepted"], `after ${name}`);
          deliveries.push({ delivery: next, name: `after ${name}`, isAccepted: true });
        }
        const received = await receivedWith(deliveries.at(-1)?.delivery.eventId ?? "");
        for (const { delivery, name, isAccepted } of deliveries) {
          const own = received.filter((text) => text.includes(`"${delivery.eventId}"`));
          const events = own.map((text) => text.slice(text.indexOf(',"event":') + ',"event":'.length, -1));
          assert.deepEqual(events, isAccepted ? [delivery.body] : [], name);
        }
      });
    }
  }
});

test("an odd WEBHOOK_PATH is matched letter by letter", async () => {
  for (const [path, target, answer] of /** @type {const} */ ([
    ["/", "/", "202 accepted"],
    ["/", "//", "404 not_found"],
    ["/hooks/", "/hooks/", "202 accepted"],
    ["/hooks/", "/hooks", "404 not_found"],
    ["//hooks", "//hooks", "202 accepted"],
    ["//hooks", "/hooks", "404 not_found"],
    ["/a//b", "/a//b", "202 accepted"],
    ["/a//b", "/a/b", "404 not_found"],
    ["/...", "/...", "202 accepted"],
    ["/Hooks", "/hooks", "404 not_found"],
    ["/healthz/", "/healthz/", "202 accepted"],
    ["/healthz/", "/healthz", "405 method_not_allowed"],
    ["/a.b", "/axb", "404 not_found"],
    ["/~a", "/%7ea", "404 not_found"],
  ])) {
    const delivery = new Delivery({ WEBHOOK_PATH: path });
    const { answers } = await converse(gateway, [delivery.request({ line: `POST ${target} HTTP/1.1\r\n` })], 1);
    assert.deepEqual(answers, [answer, "200 ok"], `${path} ${target}`);
  }
  for (const path of [
    "",
    " ",
    "/healthz",
    "/a/../b",
    "/.",
    "/a/..",
    "/%2e",
    "/a b",
    "/a?b",
    "/a#b",
    "/a;b",
    "/é",
    "/a\\b",
    "a",
  ]) {
    const delivery = new Delivery({ WEBHOOK_PATH: path });
    const { answers } = await converse(gateway, [delivery.request({ extra: close })], 1);
    assert.deepEqual(answers, ["500 misconfigured"], path);
  }
});

test("hostile values of CF-Ray and CF-Connecting-IP are only values in the log", async () => {
  const values = ['"},{"outcome":"accepted', "\\u0000\\n\\", "\x01\x1b[31m\x7f", "$(id) %s <b>"];
  for (const value of values) {
    const delivery = new Delivery();
    const extra = `CF-Ray: ${value}\r\nCF-Connecting-IP: ${value}\r\n`;
    const { answers } = await converse(gateway, [delivery.request({ extra })], 1);
    assert.deepEqual(answers, ["202 accepted", "200 ok"], value);
    const lines = await gateway.linesOf(delivery.eventId);
    assert.deepEqual(
      lines.map(({ outcome, ray, address }) => ({ outcome, ray, address })),
      [{ outcome: "accepted", ray: value, address: value }],
    );
  }
});

test("the reference has each row, and no others", () => {
  const reference = readFileSync(new URL("../../docs/reference.md", import.meta.url), "utf8");
  const [, section = ""] = /^## Unusual requests$(.*?)^## /ms.exec(reference) ?? [];
  const table = section.split("\n").filter((line) => line.startsWith("| "));
  const answerOf = (/** @type {string} */ answer) => answer.replace(/ (\w+)$/, " `$1`");
  const expected = rows.map(
    ({ sent, answers }) => `| ${sent} | ${answers.map(answerOf).join(", then ") || "none: it is closed"} |`,
  );
  assert.deepEqual(table.slice(1), expected);
});
