// The consumer and the console from the tarball, behind the gateway from the tarball, in wrangler dev.

import assert from "node:assert/strict";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { root } from "../../../scripts/command.mjs";
import { deliver, webhookPath } from "../../../scripts/delivery.mjs";
import { example } from "../../support/docs.mjs";
import { withWrangler } from "../dev.mjs";
import { patience, project } from "../project.mjs";

const secret = "whsec_test";

/** The shortest valid token. */
const token = "a-token-of-thirty-two-characters";

/** @type {string} */
let folder;
before(async () => {
  folder = await project(new URL(".", import.meta.url));
  writeFileSync(join(folder, "consumer.js"), example("js"));
  // The gateway's settings have the name and the entry point.
  const settings = example("toml").replace(/^.*?(?=^\[)/ms, "");
  const quick = settings.replaceAll("max_batch_size = 10", "max_batch_timeout = 0");
  appendFileSync(join(folder, "wrangler.toml"), `\n${quick}`);
  writeFileSync(join(folder, ".dev.vars"), `CRONOZEN_SIGNING_SECRET="${secret}"\nADMIN_TOKEN="${token}"\n`);
}, patience);

test("an accepted event is stored once, and the console knows it", patience, async () => {
  const wrangler = join(root, "node_modules", "wrangler", "bin", "wrangler.js");
  await withWrangler(folder, wrangler, process.env, async (url, printed) => {
    /** @param {...string} queries @returns {Promise<any[][]>} */
    const sql = async (...queries) => {
      const response = await fetch(new URL("/sql", url), { method: "POST", body: JSON.stringify(queries) });
      return /** @type {any} */ (await response.json());
    };
    await sql(...example("sql").split("\n").filter(Boolean));
    const event = { eventId: "evt_1", type: "payment.completed", data: { amount: "49.00", currency: "EUR" } };
    const webhook = new URL(webhookPath, url);
    for (const status of [202, 200]) {
      assert.equal((await deliver(webhook, JSON.stringify(event), secret)).status, status);
    }
    for (let tries = 0; !printed().includes('"outcome":"handled"'); tries += 1) {
      assert.ok(tries < 300, printed());
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const stored = { event_id: "evt_1", type: "payment.completed", event: JSON.stringify(event) };
    assert.deepEqual(await sql("SELECT * FROM events"), [[stored]]);
    const headers = { authorization: `Bearer ${token}` };
    const found = await fetch(new URL("/console/api/event?id=evt_1", url), { headers });
    const { history } = /** @type {any} */ (await found.json());
    assert.deepEqual(
      history.map((/** @type {any} */ { outcome, attempts }) => [outcome, attempts]),
      [["handled", 1]],
    );
  });
});
