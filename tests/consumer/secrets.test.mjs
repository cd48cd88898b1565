// The secrets in a Worker's environment.

import assert from "node:assert/strict";
import { test } from "node:test";
import { signingSecrets } from "cronozen-edge/consumer";
import { secret } from "../support/messages.mjs";
import { message, Run } from "./run.mjs";

for (const [name, next, current, expected] of /** @type {[string, string?, string?, string[]?][]} */ ([
  ["one", undefined, "whsec_a", ["whsec_a"]],
  ["two settings, the next one first", "whsec_b", "whsec_a", ["whsec_b", "whsec_a"]],
  ["white space around and between", " whsec_c\n", "whsec_b  whsec_a\n", ["whsec_c", "whsec_b", "whsec_a"]],
  ["an empty next one", "", "whsec_a", ["whsec_a"]],
  [
    "white space of Unicode, which the gateway takes for some",
    undefined,
    "whsec_b\u0085whsec_a\u3000",
    ["whsec_b", "whsec_a"],
  ],
  ["a byte order mark, which the gateway refuses", undefined, "\ufeffwhsec_a", ["\ufeffwhsec_a"]],
  ["none", undefined, undefined, []],
])) {
  test(`signing secrets: ${name}`, () => {
    const env = { CRONOZEN_SIGNING_SECRET: current, CRONOZEN_SIGNING_SECRET_NEXT: next };
    assert.deepEqual(signingSecrets(env), expected);
  });
}

test("an event that the next secret has signed is handled", async () => {
  const env = { CRONOZEN_SIGNING_SECRET: "whsec_old", CRONOZEN_SIGNING_SECRET_NEXT: secret };
  const run = new Run({ "*": () => {} }, { secrets: () => signingSecrets(env) });
  await run.take(message);
  assert.deepEqual(run.outcomes(), ["handled"]);
});
