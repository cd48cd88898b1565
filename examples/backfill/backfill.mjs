// Sends events from a file through the gateway, one JSON object a line, signed with a secret of your own:
//
//   BACKFILL_SECRET=whsec_... node backfill.mjs https://HOST/webhooks/cronozen events.jsonl
//
// An event that the gateway has seen is a duplicate, so the same file can be sent again.

import { createHmac } from "node:crypto";
import { open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** The gateway answers 503 when it is in doubt. After this many attempts, something else is wrong. */
const maxAttempts = 8;
const firstDelayMs = Number(process.env.BACKFILL_DELAY_MS ?? 1000);

const [url, path] = process.argv.slice(2);
const secret = process.env.BACKFILL_SECRET;
if (url === undefined || path === undefined || !secret) {
  console.error("usage: BACKFILL_SECRET=whsec_... node backfill.mjs URL FILE");
  process.exit(1);
}

/** The gateway answers within 4.5 s. */
const timeoutMs = 10_000;

let accepted = 0;
let seenBefore = 0;
let number = 0;
const file = await open(path);
for await (const line of file.readLines()) {
  number += 1;
  if (line.trim() === "") {
    continue;
  }
  const answer = await deliver(line);
  if (answer === "accepted") {
    accepted += 1;
  } else if (answer === "duplicate") {
    seenBefore += 1;
  } else {
    // The next lines would probably fail in the same way.
    console.error(`line ${number}: ${answer}. The gateway's log has the reason. Nothing after this line was sent`);
    process.exitCode = 1;
    break;
  }
}
console.log(`${accepted} accepted, ${seenBefore} seen before`);

/** Returns `accepted`, `duplicate`, or the failure of the last attempt. @param {string} body */
async function deliver(body) {
  const signature = createHmac("sha256", secret ?? "")
    .update(body)
    .digest("hex");
  const headers = { "content-type": "application/json", "x-cronozen-signature": signature };
  let failure = "";
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    if (attempt > 1) {
      await sleep(firstDelayMs * 2 ** (attempt - 2));
    }
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(url ?? "", { method: "POST", headers, body, redirect: "manual", signal });
      const { status, code } = await response.json().catch(() => ({}));
      if (response.ok && (status === "accepted" || status === "duplicate")) {
        return status;
      }
      failure = `answered ${response.status} ${code ?? "(not by the gateway)"}`;
      if (response.status < 500 && ![408, 429].includes(response.status)) {
        return failure;
      }
    } catch (error) {
      failure = `not answered (${error})`;
    }
  }
  return failure;
}
