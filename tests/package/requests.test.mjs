// Requests in the forms of all runtimes, with a count of the calls on them.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { build } from "./builds.mjs";

const secret = "whsec_test";

describe("verifyRequest", async () => {
  const { Verifier, sign } = await build("index.js");
  const verifier = new Verifier(secret, { maxBodyBytes: 100 });
  const text = '{"eventId":"evt_1"}';
  const signature = sign(text, secret);

  /**
   * A request whose body comes in chunks, or breaks; it counts reads and cancels.
   *
   * @param {(Uint8Array | string | Error)[]} chunks
   * @param {{ length?: string, cancel?: () => any, without?: "stream" }} [circumstances]
   */
  function request(chunks, { length, cancel, without } = {}) {
    const calls = { reads: 0, cancels: 0 };
    const reader = {
      async read() {
        const value = chunks[calls.reads];
        calls.reads += 1;
        if (value instanceof Error) {
          throw value;
        }
        return value === undefined ? { done: true } : { done: false, value };
      },
      cancel() {
        calls.cancels += 1;
        return cancel ? cancel() : Promise.resolve();
      },
    };
    /** @type {Record<string, string | undefined>} */
    const headers = { "x-cronozen-signature": signature, "content-length": length };
    return {
      calls,
      bodyUsed: false,
      headers: { get: (/** @type {string} */ name) => headers[name] ?? null },
      body: without === "stream" ? undefined : { getReader: () => reader },
      arrayBuffer: async () => new Uint8Array(Buffer.concat(chunks.map((chunk) => Buffer.from(String(chunk))))).buffer,
    };
  }

  /** @param {any} incoming */
  async function outcome(incoming) {
    try {
      return (await verifier.verifyRequest(incoming)).eventId;
    } catch (error) {
      const { code, message } = /** @type {any} */ (error);
      return code ?? message;
    }
  }

  const bytes = (/** @type {string} */ part) => new TextEncoder().encode(part);

  test("reads chunks of any size, empty ones too", async () => {
    const whole = bytes(text);
    for (const size of [1, 2, 7, 100]) {
      // Views of one piece of memory, as runtimes may give them.
      const parts = Array.from({ length: Math.ceil(whole.length / size) }, (_, part) =>
        whole.subarray(part * size, (part + 1) * size),
      );
      assert.equal(await outcome(request([bytes(""), ...parts, bytes("")])), "evt_1");
    }
  });

  test("accepts a reader that reuses its memory", async () => {
    const memory = new Uint8Array(1);
    let at = 0;
    const body = {
      getReader: () => ({
        async read() {
          memory.set(bytes(text.charAt(at)));
          at += 1;
          return at > text.length ? { done: true } : { done: false, value: memory };
        },
      }),
    };
    assert.equal(await outcome({ ...request([]), body }), "evt_1");
  });

  test("refuses a declared length over the cap without reading", async () => {
    for (const length of ["101", "4294967296", "4294967396", "9".repeat(400)]) {
      const sent = request([bytes(text)], { length });
      assert.equal(await outcome(sent), "body_too_large", length);
      assert.equal(sent.calls.reads, 0);
    }
  });

  test("ignores any other declared length", async () => {
    for (const length of ["0", "5", "100", "", "abc", "-1", "1e9", "0xffff", "5, 5", " 101"]) {
      assert.equal(await outcome(request([bytes(text)], { length })), "evt_1", length);
      assert.equal(await outcome(request([bytes("x".repeat(101))], { length })), "body_too_large", length);
    }
  });

  test("stops reading at the cap, even if cancelling the rest fails", async () => {
    const endless = Array(1000).fill(bytes("1234567"));
    for (const cancel of [
      undefined,
      () => undefined,
      () => Promise.reject(new Error("no")),
      () => new Promise(() => {}),
      () => {
        throw new Error("no");
      },
    ]) {
      const sent = request(endless, cancel && { cancel });
      assert.equal(await outcome(sent), "body_too_large");
      assert.deepEqual(sent.calls, { reads: 15, cancels: 1 });
    }
  });

  test("refuses a stream of strings, and cancels it", async () => {
    const sent = request([text]);
    assert.match(await outcome(sent), /request body not a stream of bytes: it gave string/);
    assert.equal(sent.calls.cancels, 1);
  });

  test("passes on the error of a body", async () => {
    assert.equal(await outcome(request([bytes("{"), new Error("connection lost")])), "connection lost");
  });

  test("caps the body in a runtime without streams, too", async () => {
    assert.equal(await outcome(request([text], { without: "stream" })), "evt_1");
    assert.equal(await outcome(request(["x".repeat(101)], { without: "stream" })), "body_too_large");
  });

  test("requests at once are kept apart", async () => {
    const pairs = Array.from({ length: 20 }, (_, number) => {
      const parts = [...text].map(bytes);
      return number % 2 === 0 ? request(parts) : request([...parts, bytes(" ")]);
    });
    const outcomes = await Promise.all(pairs.map(outcome));
    assert.deepEqual(
      outcomes,
      pairs.map((_, number) => (number % 2 === 0 ? "evt_1" : "signature_mismatch")),
    );
  });
});
