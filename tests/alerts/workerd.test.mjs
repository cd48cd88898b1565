// Alerts in workerd, with D1, a webhook and an email binding.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, Response } from "miniflare";
import { root } from "../../scripts/command.mjs";
import { bundled } from "../support/modules.mjs";

const worker = `
import { alerts, email, slack } from "cronozen-edge/alerts";
import { deadLetters } from "cronozen-edge/consumer";

const letters = deadLetters({
  queue: (env) => env.EVENTS,
  events: (env) => env.EVENTS,
  ledger: (env) => env.DB,
});

const scheduled = alerts({
  deadLetters: letters,
  sinks: (env) => [
    slack(env.SLACK_URL),
    email(env.EMAIL, { from: "alerts@example.com", to: "ops@example.com", subjectPrefix: "[edge] " }),
    email(env.REFUSING, { name: "refusing", from: "alerts@example.com", to: "ops@example.com" }),
    email(env.ABSENT, { name: "absent", from: "alerts@example.com", to: "ops@example.com" }),
  ],
  console: "https://edge.example.com/console",
  heartbeat: (env) => env.HEARTBEAT_URL,
});

export default {
  scheduled,
  async fetch(request, env) {
    await letters.totals(env);
    return new Response();
  },
};
`;

/** The log of Miniflare, in which an email appears some time after it was sent. */
class MailLog extends Log {
  text = "";

  /** @param {LogLevel} _ @param {string} message @override */
  logWithLevel(_, message) {
    this.text += `${message}\n`;
  }
}

const mails = new MailLog(LogLevel.INFO);

/** @type {Miniflare} */
let miniflare;
/** @type {{ url: string, method: string, body: any }[]} */
const requests = [];
let printed = "";
before(async () => {
  const folder = join(root, "build", "alerts");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "worker.mjs"), worker);
  miniflare = new Miniflare(
    convertV4MiniflareOptions({
      log: mails,
      handleStructuredLogs: ({ message }) => {
        printed += `${message}\n`;
      },
      cf: false,
      compatibilityDate: "2026-10-01",
      modulesRoot: "/",
      modules: await bundled("build/alerts/worker.mjs"),
      bindings: {
        SLACK_URL: "https://hooks.slack.example/services/secret",
        HEARTBEAT_URL: "https://beat.example/secret",
      },
      d1Databases: ["DB"],
      queueProducers: { EVENTS: "cronozen-events" },
      email: {
        send_email: [{ name: "EMAIL" }, { name: "REFUSING", destination_address: "other@example.com" }],
      },
      outboundService: async (request) => {
        requests.push({ url: request.url, method: request.method, body: await request.text() });
        return new Response("ok");
      },
    }),
  );
  await miniflare.ready;
});
after(() => miniflare.dispose());

test("a dead letter is sent to Slack and by email, and a binding that refuses is in the log", async () => {
  await miniflare.dispatchFetch("https://edge.example.com/");
  const db = await miniflare.getD1Database("DB");
  await db
    .prepare(
      `INSERT INTO cronozen_dead_letters (message_id, event_id, type, reason, queue, stored_at, bytes, text)
       VALUES ('m1', 'evt_1', 'https://evil.example', 'Error: closed', 'q', ?, 10, '')`,
    )
    .bind(new Date().toISOString())
    .run();
  const own = await miniflare.getWorker();
  await own.scheduled({ cron: "*/5 * * * *" });
  assert.deepEqual(
    requests.map(({ url, method }) => [method, url]),
    [["POST", "https://hooks.slack.example/services/secret"]],
    "no heartbeat: a sink failed",
  );
  assert.equal(JSON.parse(requests[0]?.body).blocks[0].text.text, "Events could not be handled: dead letters are open");
  const { results } = await db
    .prepare("SELECT sink, sent_at IS NOT NULL AS sent, reason FROM cronozen_incident_messages ORDER BY sink")
    .all();
  const [absent, email, refusing, slack] = results;
  assert.deepEqual([email?.sent, slack?.sent, absent?.sent, refusing?.sent], [1, 1, 0, 0]);
  assert.match(String(absent?.reason), /^binding missing: is send_email bound by that name\?$/);
  assert.match(String(refusing?.reason), /not allowed/);
  assert.match(printed, /"outcome":"alert_opened"/);
  assert.match(printed, /"outcome":"alert_not_sent"/);
  assert.doesNotMatch(printed, /hooks\.slack|beat\.example/);
  // Miniflare writes the text of an email into a file, and the file's name into its log.
  for (let tries = 0; !mails.text.includes(".txt") && tries < 100; tries += 1) {
    await setTimeout(50);
  }
  const [, path = ""] = /Text: (\S+\.txt)/.exec(mails.text) ?? assert.fail(mails.text);
  assert.equal(
    readFileSync(path, "utf8").replaceAll("\r\n", "\n").trim(),
    `1 dead letter is open. Look at the reason, cure its cause, then redrive them.

event: evt_1
type: https[:]//evil[.]example
reason: Error: closed

Show the incident: https://edge.example.com/console/incidents/1`,
  );
  assert.match(mails.text, /\[edge\] Events could not be handled: dead letters are open/);
});
