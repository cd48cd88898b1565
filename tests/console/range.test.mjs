// The range of a summary of the gateway's activity.

import assert from "node:assert/strict";
import { test } from "node:test";
import { rangeOf } from "../../pkg/src/console/activity.ts";

test("a range begins with a whole period", () => {
  const to = "2026-11-24T06:55:30.000Z";
  for (const [by, from, start] of /** @type {const} */ ([
    ["minute", undefined, "2026-11-24T05:55:00.000Z"],
    ["hour", undefined, "2026-11-22T06:00:00.000Z"],
    ["day", undefined, "2026-08-26T00:00:00.000Z"],
    ["minute", "2026-11-24T06:00:59.999Z", "2026-11-24T06:00:00.000Z"],
    ["hour", "2026-11-24T06:00:00.000Z", "2026-11-24T06:00:00.000Z"],
    ["day", "2026-11-24T06:00:00.000Z", "2026-11-24T00:00:00.000Z"],
  ])) {
    assert.deepEqual(rangeOf({ by, to, ...(from !== undefined && { from }) }), { by, from: start, to });
  }
});
