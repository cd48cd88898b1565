// The example that sends events again, against a server that answers like the gateway.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { Verifier } from "cronozen-edge";

const secret = "whsec_backfill";
const verifier = new Verifier(secret);

const folder = mkdtempSync(join(tmpdir(), "cronozen-edge-backfill-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/**
 * Sends lines, and returns what the script printed and which events arrived.
 *
 * @param {string[]} lines
 * @param {number[]} failures the statuses of the first answers
 */
async function backfill(lines, failures = []) {
  /** @type {string[]} */
  const arrived = [];
  const server = createServer(async (request, response) => {
    const checked = verifier.check(await text(request), request.headers);
    let status = failures.shift() ?? (checked.ok ? 202 : checked.status);
    if (status === 202 && checked.ok) {
      status = arrived.includes(checked.event.eventId) ? 200 : 202;
      arrived.push(checked.event.eventId);
    }
    const names = { 200: { status: "duplicate" }, 202: { status: "accepted" }, 400: { code: "invalid_event" } };
    response.writeHead(status, { location: "/" }).end(JSON.stringify(names[/** @type {200} */ (status)] ?? {}));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const file = join(folder, "events.jsonl");
  writeFileSync(file, lines.join("\n"));
  const script = new URL("../../examples/backfill/backfill.mjs", import.meta.url).pathname;
  const env = { ...process.env, BACKFILL_SECRET: secret, BACKFILL_DELAY_MS: "1" };
  const child = spawn(process.execPath, [script, `http://127.0.0.1:${port}/webhooks/cronozen`, file], { env });
  const [out, error, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  server.close();
  return { out, error, code, arrived };
}

const events = ["evt_1", "evt_2", "evt_1"].map((eventId) => JSON.stringify({ eventId, note: "é" }));

test("sends each line, repeats it after 429 and 5xx, and counts duplicates", async () => {
  assert.deepEqual(await backfill([...events, ""], [503, 500, 429]), {
    out: "2 accepted, 1 seen before\n",
    error: "",
    code: 0,
    arrived: ["evt_1", "evt_2", "evt_1"],
  });
});

test("stops at the first refusal, and names its line", async () => {
  const { out, error, code, arrived } = await backfill([events[0] ?? "", "not JSON", events[1] ?? ""]);
  assert.match(error, /^line 2: answered 400 invalid_event\. /);
  assert.deepEqual([out, code, arrived], ["1 accepted, 0 seen before\n", 1, ["evt_1"]]);
});

test("gives up if every answer is a 503", async () => {
  const { error, code } = await backfill(events, Array(100).fill(503));
  assert.match(error, /^line 1: answered 503 \(not by the gateway\)\. /);
  assert.equal(code, 1);
});

test("does not take another server's answer for the gateway's", async () => {
  for (const status of [204, 301]) {
    const { error, out } = await backfill(events, [status]);
    assert.match(error, new RegExp(`^line 1: answered ${status} \\(not by the gateway\\)`));
    assert.equal(out, "0 accepted, 0 seen before\n");
  }
});
