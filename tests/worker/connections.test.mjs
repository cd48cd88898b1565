// Senders that are slow, too long, or disconnect.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sign, webhookPath } from "../../scripts/delivery.mjs";
import { headFor, newEvent, promisedMs, readAll, secret, sleep, TestGateway } from "./gateway.mjs";
import { chunk, connectDirectly } from "./raw.mjs";

/** @type {TestGateway} */
let gateway;
before(async () => {
  gateway = await TestGateway.start();
});
after(() => gateway.stop());

const json = "Content-Type: application/json\r\n";

/** A well-formed signature of another body. */
const forged = `X-Cronozen-Signature: ${sign("other", secret)}\r\n`;

test("a body that does not come in time is answered 408", async () => {
  for (const head of ["Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"]) {
    const socket = await gateway.connect(`${json}${forged}${head}`);
    socket.write(head.startsWith("Transfer") ? chunk('{"eventId":') : '{"eventId":');
    const started = performance.now();
    const text = await readAll(socket, promisedMs);
    assert.match(text, /^HTTP\/1\.1 408 /, head);
    assert.match(text, /"code":"body_timeout"/);
    assert.ok(performance.now() - started < promisedMs);
  }
});

test("a chunked body within the cap is accepted", async () => {
  const { eventId, body } = newEvent({ data: "x".repeat(50_000) });
  const socket = await gateway.connect(
    `${json}Transfer-Encoding: chunked\r\nConnection: close\r\nX-Cronozen-Signature: ${sign(body, secret)}\r\n`,
  );
  for (let start = 0; start < body.length; start += 10_000) {
    socket.write(chunk(body.slice(start, start + 10_000)));
    await sleep(10);
  }
  socket.write("0\r\n\r\n");
  assert.match(await readAll(socket, promisedMs), /^HTTP\/1\.1 202 /);
  const [{ message } = assert.fail()] = await gateway.messages(eventId);
  assert.deepEqual(message.event, JSON.parse(body));
});

test("a declared length over the cap is refused unread", async () => {
  const socket = await gateway.connect(`${json}${forged}Content-Length: 127001\r\n`);
  assert.match(await readAll(socket, promisedMs), /^HTTP\/1\.1 413 /);
});

test("a missing or malformed signature is refused before a byte of the body has come", async () => {
  for (const signature of ["", "X-Cronozen-Signature: 0\r\n", forged.toUpperCase()]) {
    for (const length of ["Content-Length: 100\r\n", "Content-Length: 9999999\r\n", "Transfer-Encoding: chunked\r\n"]) {
      const socket = await gateway.connect(`${json}${signature}${length}Connection: close\r\n`);
      // A body that never comes would be a 408.
      assert.match(await readAll(socket, promisedMs), /^HTTP\/1\.1 401 /, length);
    }
  }
});

test("a body that another reader has locked is a 408, and no trap", async () => {
  for (const bytes of [10, 20_000]) {
    const headers = { "x-test-locked-body": "yes" };
    const { status, answer } = await gateway.deliver(newEvent({ data: "x".repeat(bytes) }).body, { headers });
    assert.deepEqual([status, answer.code], [408, "body_timeout"]);
  }
  // When its line is logged, so are those before it.
  const { eventId, body } = newEvent();
  assert.equal((await gateway.deliver(body)).status, 202);
  assert.equal((await gateway.linesOf(eventId)).length, 1);
  assert.deepEqual(gateway.logged("trapped"), []);
});

test("a connection reset after the body loses no event", async () => {
  const { eventId, body } = newEvent();
  const socket = await gateway.connectAndSend(body, { faults: { send: "after 2000 ms" } });
  // Until the send is under way, which cannot be observed.
  await sleep(500);
  socket.resetAndDestroy();
  await sleep(2500);
  assert.equal((await gateway.messages(eventId)).length, 1);
  assert.equal((await gateway.marker(eventId)).value, "");
  const outcomes = gateway.logged(eventId).map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, ["accepted"]);
});

test("a connection reset in the middle of the body leaves nothing", async () => {
  const { eventId, body } = newEvent();
  const socket = await gateway.connect(headFor(body));
  socket.write(body.slice(0, -10));
  await sleep(300);
  socket.resetAndDestroy();
  assert.equal((await gateway.messages(eventId, 0)).length, 0);
  assert.equal((await gateway.deliver(body)).status, 202);
});

test("a malformed Host header is a 404 with its reason in the log, and no trap", async () => {
  for (const path of [webhookPath, "/healthz"]) {
    for (const host of ["x y", "a\r\nHost: b", "[", "x:99999", "%"]) {
      const before = gateway.log.length;
      const socket = await connectDirectly(gateway);
      socket.write(`POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      assert.match(await readAll(socket, promisedMs), /^HTTP\/1\.1 404 .+"code":"not_found"/s, `${path} ${host}`);
      for (let tries = 0; gateway.log.length === before && tries < 100; tries += 1) {
        await sleep(20);
      }
      const [line] = gateway.log.slice(before).map((text) => JSON.parse(text));
      assert.equal(line.outcome, "rejected");
      assert.equal(line.reason, "request URL invalid: the Host header is malformed");
    }
  }
});
