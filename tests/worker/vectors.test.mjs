// The shared vectors that HTTP can carry, through the Worker.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { webhookPath } from "../../scripts/delivery.mjs";
import { bytesOf } from "../runtimes/checks/vectors.js";
import { vectors } from "../support/vectors.mjs";
import { TestGateway } from "./gateway.mjs";

/** @type {TestGateway} */
let gateway;
before(async () => {
  gateway = await TestGateway.start();
});
after(() => gateway.stop());

/** The Worker's cap, which two vectors exceed. */
const maxBodyBytes = 127_000;

/** @param {import("../runtimes/checks.js").Vector[]} all */
function overHttp(all) {
  const some = all.filter(({ level }) => level === "http");
  assert.ok(some.length > 0);
  return some;
}

/** @param {any} vector */
function deliver(vector) {
  const body = bytesOf(vector.body);
  const headers = vector.signature === null ? {} : { "x-cronozen-signature": vector.signature };
  const settings = { CRONOZEN_SIGNING_SECRET: vector.secrets.join(" ") };
  return gateway.request(webhookPath, { method: "POST", body, headers }, { settings });
}

test("every signature vector gets its answer", async () => {
  for (const vector of overHttp(vectors.signatures)) {
    const { status, answer } = await deliver(vector);
    const good = bytesOf(vector.body).length > maxBodyBytes ? [413] : [200, 202, 400];
    assert.ok((vector.expect.ok ? good : [401]).includes(status), `${vector.name}: ${status}`);
    assert.equal(answer.code === "invalid_signature", !vector.expect.ok, vector.name);
  }
});

test("every envelope vector gets its answer", async () => {
  for (const vector of overHttp(vectors.envelopes)) {
    const { status, answer } = await deliver(vector);
    if (bytesOf(vector.body).length > maxBodyBytes) {
      assert.equal(status, 413, vector.name);
    } else if (vector.expect.ok) {
      assert.ok(status === 202 || status === 200, `${vector.name}: ${status}`);
      assert.equal(answer.eventId, vector.expect.eventId, vector.name);
    } else {
      assert.equal(status, 400, vector.name);
      assert.equal(answer.code, vector.expect.error, vector.name);
    }
  }
});
