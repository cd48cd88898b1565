// A dead letter contains the original message.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readDeadLetter } from "cronozen-edge/consumer";
import { deadLetterText } from "../../pkg/src/consumer/dead-letter.ts";
import { event, message } from "./run.mjs";

const failure = { reason: 'a "quoted"\nreason } with , {braces}', attempts: 3, failedAt: "2026-11-24T07:00:00.000Z" };
for (const text of [
  message,
  "garbage",
  "",
  "[1]",
  "{}",
  '{"text":"a message of another kind"}',
  ' {"v":1}',
  deadLetterText(message, { ...failure, reason: "failed before" }),
  deadLetterText("garbage", { ...failure, reason: "failed before" }),
]) {
  test(`a dead letter has the text and the reason: ${text.slice(0, 40)}`, () => {
    const { reason, attempts, failedAt, text: found } = readDeadLetter(deadLetterText(text, failure));
    assert.equal(found, text);
    assert.deepEqual({ reason, attempts, failedAt }, failure);
  });
}

test("a reason is cut by bytes, between characters", () => {
  for (const character of ["a", "é", "\u{1f4a9}", '"', "\u0001", "\ud800"]) {
    const text = deadLetterText(message, { ...failure, reason: character.repeat(1000) });
    assert.ok(Buffer.byteLength(text) - Buffer.byteLength(message) < 400);
    assert.equal(readDeadLetter(text).text, message);
    assert.match(readDeadLetter(text).reason ?? "", new RegExp(`^(${character}){30,}`));
  }
});

test("a message that the queue moves has no reason", () => {
  const { eventId, type } = event;
  const unknown = { reason: null, attempts: null, failedAt: null };
  assert.deepEqual(readDeadLetter(message), { eventId, type, ...unknown, text: message });
  assert.deepEqual(readDeadLetter({ a: 1 }), { eventId: null, type: null, ...unknown, text: '{"a":1}' });
  assert.deepEqual(readDeadLetter(undefined), { eventId: null, type: null, ...unknown, text: "" });
});

test("a message too long for a reason is kept without it", () => {
  for (const text of [`{"v":2,"x":"${"x".repeat(127_880)}"}`, '"'.repeat(100_000)]) {
    assert.equal(deadLetterText(text, failure), text);
  }
});

test("every body is read, and what only looks like a dead letter is a message", () => {
  /** @type {any} */
  const circular = {};
  circular.itself = circular;
  for (const text of [
    '{"dead":{a},',
    '{"dead":{},"v":1}',
    '{"dead":{"escaped":true},x',
    '{"dead":{"reason":"a","attempts":1},"v":1}',
    '{"dead":{"reason":"a","attempts":"1","failedAt":""},"v":1}',
    '{"dead":{"reason":"a","attempts":1.5,"failedAt":""},"v":1}',
    '{"dead":{"reason":"a","attempts":1,"failedAt":"","escaped":true},"text":1}',
    '{"dead":{"reason":"\n',
    "null",
  ]) {
    const unknown = { eventId: null, type: null, reason: null, attempts: null, failedAt: null };
    assert.deepEqual(readDeadLetter(text), { ...unknown, text });
  }
  for (const body of [circular, { a: 1n }, Symbol("x")]) {
    assert.equal(readDeadLetter(body).text, "");
  }
});
