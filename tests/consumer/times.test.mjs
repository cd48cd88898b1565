// Times compare as strings.

import assert from "node:assert/strict";
import { test } from "node:test";
import { sortableTime } from "../../pkg/src/consumer/time.ts";

test("strings of every format sort by time", () => {
  const inOrder = [
    "0000-01-01T00:00:00Z",
    "1969-12-31T23:59:59.999Z",
    "2026-11-24T07:59:59+02:30",
    "2026-11-24t05:30:00z",
    "2026-11-24 06:00:00.000000001+00:00",
    "2026-11-24T06:00:00.1Z",
    "2026-11-24T06:00:00.10000001Z",
    "2026-11-24T06:00:00.123456789Z",
    "2026-11-24T06:00:01Z",
    "2026-12-31T23:59:59.999999998Z",
    "2026-12-31T23:59:60Z",
    "2027-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
  ];
  const sortable = inOrder.map(sortableTime);
  assert.deepEqual([...sortable].sort(), sortable);
  assert.equal(new Set(sortable).size, sortable.length);
  assert.equal(sortable[2], "2026-11-24T05:29:59.000000000Z");
});

test("digits beyond the ninth do not count", () => {
  assert.equal(sortableTime("2026-11-24T06:00:00.1234567891Z"), sortableTime("2026-11-24T06:00:00.123456789Z"));
});

for (const text of [
  null,
  "",
  "soon",
  "2026-11-24",
  "2026-11-24T06:00Z",
  "2026-11-24T06:00:00",
  "2026-13-24T06:00:00Z",
  "2026-11-24T06:00:00.Z",
  "2026-11-24T06:00:00+0200",
  "9999-12-31T23:59:59-01:00",
  "0000-01-01T00:00:00+01:00",
  " 2026-11-24T06:00:00Z",
  "2026-11-24T06:00:00Z\n",
]) {
  test(`not a time: ${JSON.stringify(text)}`, () => {
    assert.throws(() => sortableTime(text), { name: "NonRetryableError" });
  });
}
