// The example consumer's admin API: authorisation, lists and errors.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Example, token } from "./example.mjs";

/** @type {Example} */
let example;
before(async () => {
  example = await Example.start();
  for (let number = 1; number <= 5; number += 1) {
    await example.sql(
      `INSERT INTO dead_letters (message_id, event_id, type, reason, attempts, failed_at, text, stored_at)
       VALUES ('m${number}', 'evt_${number}', 'a.type', 'because', 3, '2026-11-24T06:00:00Z', '{"é":1}', '2026-11-24T06:00:01Z')`,
    );
  }
  await example.sql("UPDATE dead_letters SET redriven_at = '2026-11-25T06:00:00Z', redrives = 1 WHERE id = 2");
});
after(() => example.stop());

const requests = /** @type {const} */ ([
  ["GET", "/dead-letters"],
  ["POST", "/dead-letters/1/redrive"],
  ["POST", "/dead-letters/redrive"],
  ["GET", "/"],
]);

/** Asserts that nothing was redriven. */
async function assertNoneRedriven() {
  assert.deepEqual(await example.sql("SELECT sum(redrives) AS redrives FROM dead_letters"), [{ redrives: 1 }]);
}

test("without the token, or with another one, nothing is shown or sent", async () => {
  const refused = [
    null,
    "",
    "Bearer",
    "Bearer ",
    `Bearer ${token.slice(0, -1)}`,
    `Bearer ${token}x`,
    `Bearer x${token}`,
    `Bearer ${token.replace("a", "b")}`,
    `Bearer ${token.toUpperCase()}`,
    `Bearer ${token} ${token}`,
    `Bearer ${"x".repeat(10_000)}`,
    "Bearer undefined",
    `Basic ${token}`,
    token,
  ];
  for (const [method, path] of requests) {
    for (const authorization of refused) {
      const { status, headers, answer } = await example.ask(path, { method, authorization });
      assert.equal(status, 401, String(authorization));
      assert.equal(headers.get("www-authenticate"), "Bearer");
      assert.equal(headers.get("content-type"), "application/problem+json");
      assert.equal(headers.get("cache-control"), "no-store");
      assert.equal(answer.code, "unauthorized");
      assert.ok(!JSON.stringify(answer).includes(token));
    }
  }
  await assertNoneRedriven();
});

test("without a usable ADMIN_TOKEN every request is a 500 that names it", async (context) => {
  for (const [secrets, authorization] of /** @type {[Record<string, string>, string][]} */ ([
    [{}, "Bearer undefined"],
    [{ ADMIN_TOKEN: "" }, "Bearer "],
    [{ ADMIN_TOKEN: "x".repeat(31) }, `Bearer ${"x".repeat(31)}`],
    [{ ADMIN_TOKEN: `${token} ` }, `Bearer ${token}`],
  ])) {
    const misconfigured = await Example.start(secrets);
    context.after(() => misconfigured.stop());
    for (const [method, path] of requests) {
      const { status, answer } = await misconfigured.ask(path, { method, authorization });
      assert.equal(status, 500);
      assert.equal(answer.code, "misconfigured");
      assert.match(answer.detail, /ADMIN_TOKEN/);
    }
    assert.equal(misconfigured.logged("misconfigured")[0]?.name, "ADMIN_TOKEN");
  }
});

test("the case of Bearer does not matter", async () => {
  assert.equal((await example.ask("/dead-letters", { authorization: `bearer  ${token}` })).status, 200);
});

test("the list has the open dead letters, without text", async () => {
  const { status, headers, answer } = await example.ask("/dead-letters");
  assert.equal(status, 200);
  assert.equal(headers.get("content-type"), "application/json");
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(answer.next, null);
  assert.deepEqual(ids(answer), [1, 3, 4, 5]);
  assert.deepEqual(answer.deadLetters[0], {
    id: 1,
    eventId: "evt_1",
    type: "a.type",
    bytes: 8,
    reason: "because",
    attempts: 3,
    failedAt: "2026-11-24T06:00:00Z",
    storedAt: "2026-11-24T06:00:01Z",
    redrivenAt: null,
    redrives: 0,
    handledAt: null,
  });
  assert.deepEqual(ids((await example.ask("/dead-letters?all=true")).answer), [1, 2, 3, 4, 5]);
});

test("the list has pages", async () => {
  const pages = [];
  for (let after = 0; after !== null; ) {
    const { answer } = await example.ask(`/dead-letters?limit=2&after=${after}&all=true`);
    pages.push(ids(answer));
    after = answer.next;
  }
  assert.deepEqual(pages, [[1, 2], [3, 4], [5]]);
  assert.deepEqual((await example.ask("/dead-letters?after=5")).answer, { deadLetters: [], next: null });
});

/** @param {{ deadLetters: { id: number }[] }} answer */
function ids({ deadLetters }) {
  return deadLetters.map(({ id }) => id);
}

test("an invalid request is refused, and redrives nothing", async () => {
  for (const [method, path, status, code] of /** @type {const} */ ([
    ["POST", "/dead-letters", 405, "method_not_allowed"],
    ["GET", "/dead-letters/redrive", 405, "method_not_allowed"],
    ["GET", "/dead-letters/1/redrive", 405, "method_not_allowed"],
    ["DELETE", "/dead-letters/1/redrive", 405, "method_not_allowed"],
    ["POST", "/dead-letters/99/redrive", 404, "not_found"],
    ["POST", "/dead-letters/x/redrive", 404, "not_found"],
    ["POST", "/dead-letters/-1/redrive", 404, "not_found"],
    ["POST", "/dead-letters/9007199254740993/redrive", 404, "not_found"],
    ["POST", "/dead-letters/1/redrive/", 404, "not_found"],
    ["POST", "/dead-letters/1", 404, "not_found"],
    ["GET", "/", 404, "not_found"],
    ["POST", "/dead-letters/1/redrive?dryrun=true", 400, "invalid_parameter"],
    ["POST", "/dead-letters/redrive?dry-run=1", 400, "invalid_parameter"],
    ["POST", "/dead-letters/redrive?dry-run", 400, "invalid_parameter"],
    ["POST", "/dead-letters/redrive?dry-run=false&dry-run=true", 400, "invalid_parameter"],
    ["POST", "/dead-letters/redrive?toString=true", 400, "invalid_parameter"],
    ["GET", "/dead-letters?limit=0", 400, "invalid_parameter"],
    ["GET", "/dead-letters?limit=1001", 400, "invalid_parameter"],
    ["GET", "/dead-letters?after=-1", 400, "invalid_parameter"],
    ["GET", "/dead-letters?after=1e3", 400, "invalid_parameter"],
    ["GET", "/dead-letters?all=yes", 400, "invalid_parameter"],
  ])) {
    const { status: found, headers, answer } = await example.ask(path, { method });
    assert.equal(found, status, path);
    assert.equal(headers.get("content-type"), "application/problem+json");
    assert.equal(answer.code, code);
    assert.equal(answer.status, status);
    if (status === 405) {
      assert.equal(headers.get("allow"), path === "/dead-letters" ? "GET" : "POST");
    }
  }
  await assertNoneRedriven();
});

test("parameters in a body, such as dry-run, are refused", async () => {
  const { status, answer } = await example.ask("/dead-letters/redrive", { method: "POST", body: "dry-run=true" });
  assert.equal(status, 400);
  assert.equal(answer.code, "invalid_parameter");
  await assertNoneRedriven();
});

test("without tables, the answer says what to do", async () => {
  await example.sql("ALTER TABLE dead_letters RENAME TO away");
  const { status, answer } = await example.ask("/dead-letters");
  await example.sql("ALTER TABLE away RENAME TO dead_letters");
  assert.equal(status, 503);
  assert.match(answer.detail, /apply the migrations/);
  assert.ok(example.log.some((line) => line.includes('"outcome":"unavailable"') && line.includes("no such table")));
});
