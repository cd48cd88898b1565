// `npm start`: runs the gateway and the example consumer, and shows that they work.

import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { Complaint, script, step } from "./command.mjs";
import { buildWorker, setUp } from "./setup.mjs";

const usage = "usage: npm start -- [--once] [--port N]";
const defaultPort = 8787;

/** The queue delivers in a second; a machine under load may need longer. */
const consumerTimeoutMs = 20_000;

function readArguments() {
  try {
    const { values } = parseArgs({
      options: { once: { type: "boolean", default: false }, port: { type: "string", default: String(defaultPort) } },
    });
    const port = Number(values.port);
    if (/^\d+$/.test(values.port) && port >= 1 && port <= 65_535) {
      return { once: values.once, port };
    }
  } catch {
    // Falls through to the usage.
  }
  throw new Complaint(usage);
}

await script(async () => {
  const { once, port } = readArguments();
  if (!(await setUp())) {
    return Number(process.exitCode);
  }
  const { checkPort, Gateway } = await import("./gateway.mjs");
  const { localSecret } = await import("./secret.mjs");
  await checkPort(port);
  await buildWorker();
  const secret = localSecret();

  const gateway = new Gateway(port);
  const interrupted = new Promise((resolve) => {
    // Not once: a second signal must not end the script before the gateway has stopped.
    process.on("SIGINT", resolve);
    process.on("SIGTERM", resolve);
  });
  try {
    await step("starting the gateway and the example consumer", () => gateway.ready());
    const asExpected = await demonstrate(gateway, secret);
    if (!asExpected) {
      console.log(`\nwrangler printed:\n${gateway.printed.join("\n")}`);
    }
    if (once) {
      return asExpected ? 0 : 1;
    }
    await invite(gateway);
    await Promise.race([interrupted, gateway.ended]);
    return 0;
  } finally {
    await gateway.stop();
  }
});

/**
 * Sends a signed delivery, the same again and a forged one, and says what came of each.
 *
 * @param {import("./gateway.mjs").Gateway} gateway
 * @param {string} secret
 */
async function demonstrate(gateway, secret) {
  const { deliver } = await import("./delivery.mjs");
  const event = {
    eventId: `evt_${randomUUID()}`,
    type: "payment.completed",
    createdAt: new Date().toISOString(),
    data: { amount: "49.00", currency: "EUR" },
  };
  const body = JSON.stringify(event);

  const first = await deliver(gateway.url, body, secret);
  const again = await deliver(gateway.url, body, secret);
  const forged = await deliver(gateway.url, JSON.stringify({ ...event, data: { amount: "0.00" } }), `not ${secret}`);
  const consumed = await gateway.line(
    (line) => line.includes('"outcome":"consumed"') && line.includes(event.eventId),
    consumerTimeoutMs,
  );

  const rows = [
    row("signed delivery", "202 accepted", `${first.status} ${first.answer.status}`),
    row("the same again", "200 duplicate", `${again.status} ${again.answer.status}`),
    row("forged", "401 invalid_signature", `${forged.status} ${forged.answer.code}`),
    row("consumer", "consumed", consumed === undefined ? "nothing" : "consumed", `${event.type} ${event.eventId}`),
  ];
  console.log(`\n${rows.map(({ text }) => text).join("\n")}\n`);
  return rows.every(({ ok }) => ok);
}

/**
 * @param {string} what
 * @param {string} expected
 * @param {string} found
 * @param {string} [note]
 */
function row(what, expected, found, note = "") {
  const ok = found === expected;
  const verdict = ok ? note : `expected ${expected}`;
  return { ok, text: `  ${ok ? "ok  " : "FAIL"}  ${what.padEnd(16)}  ${found.padEnd(22)}  ${verdict}`.trimEnd() };
}

/** @param {import("./gateway.mjs").Gateway} gateway */
async function invite(gateway) {
  const { webhookPath } = await import("./delivery.mjs");
  // Another at every start: the local store remembers events as long as the real one.
  const eventId = `evt_${randomUUID().slice(0, 8)}`;
  console.log(`The gateway listens on ${gateway.url}${webhookPath}; Ctrl-C stops it. Try it from another terminal, in this folder:

  . ./.dev.vars
  body='{"eventId":"${eventId}","type":"payment.completed","createdAt":"${new Date().toISOString()}"}'
  curl -i ${gateway.url}${webhookPath} -H 'Content-Type: application/json' \\
    -H "X-Cronozen-Signature: $(printf %s "$body" | openssl dgst -sha256 -hmac "\${CRONOZEN_SIGNING_SECRET%% *}" -r | cut -d ' ' -f 1)" \\
    --data-binary "$body"
`);
  // wrangler names the first of several Workers "undefined".
  gateway.lines.on("line", (line) => console.log(line.replace("[undefined]", "[cronozen-edge]")));
}
