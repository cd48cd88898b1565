// `npm start`: runs the gateway and the example consumer, and shows that they work.

import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import "./ancestors.mjs";
import { Complaint, commonOptions, dim, green, readArguments, script, step, verbose } from "./command.mjs";
import { Demonstration } from "./demonstration.mjs";
import { checkPort, Gateway, migrate } from "./gateway.mjs";
import { readable } from "./log.mjs";
import { build, setUp } from "./setup.mjs";

const defaultPort = 8787;

const help = `usage: npm start -- [options]

Runs the gateway and the example consumer on this machine, sends samples, and keeps running for your own events.

  --once     stop after the samples: exit code 0 if each had the expected result, 1 if not
  --port N   listen on port N instead of ${defaultPort}; each port has its own data
  --dev      build the gateway less optimised, which takes a second or two after each change
  --verbose  show the output of every command
  --help     show this

README.md describes the next steps, CONTRIBUTING.md the other commands.`;

/** The exit code of a script that a signal has ended, as in shells. */
const interruptedCode = 130;

function options() {
  const parse = () =>
    parseArgs({
      options: {
        ...commonOptions,
        dev: { type: "boolean", default: false },
        once: { type: "boolean", default: false },
        port: { type: "string", default: String(defaultPort) },
      },
    });
  const { dev, once, port } = readArguments(help, parse).values;
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    throw new Complaint(`port ${port} does not exist: pass --port N with a number from 1 to 65535`);
  }
  return { dev, once, port: Number(port) };
}

await script(async () => {
  const { dev, once, port } = options();
  if (dev) {
    // Read by `cargo xtask worker`, which wrangler runs when it starts and after every change.
    process.env.CRONOZEN_EDGE_UNOPTIMISED = "1";
  }
  const done = await setUp();
  if (done !== undefined) {
    return done;
  }
  // Uses a built-in that the first releases of Node 20 lack.
  const { localSecrets } = await import("./secret.mjs");
  await checkPort(port);
  const secrets = localSecrets();
  // Both end before an error is shown: a step that counts seconds would overwrite it.
  for (const result of await Promise.allSettled([build(), migrate(port)])) {
    if (result.status === "rejected") {
      throw result.reason;
    }
  }

  const interrupted = new Promise((resolve) => {
    // Not `once`: a second signal must not end the script before the gateway has stopped.
    process.on("SIGINT", resolve);
    process.on("SIGTERM", resolve);
    // The reader of the output has ended.
    process.stdout.on("error", resolve);
  });
  const gateway = new Gateway(port);
  try {
    const verdict = await Promise.race([show(gateway, secrets), interrupted]);
    if (verdict !== "as expected") {
      return verdict === "not as expected" ? 1 : interruptedCode;
    }
    if (once) {
      return 0;
    }
    invite(gateway);
    // An interruption is the usual end, so it is a success.
    return await Promise.race([interrupted.then(() => 0), gateway.ended.then(() => 1)]);
  } finally {
    await gateway.stop();
  }
});

/**
 * Starts the gateway and shows what it does. If a result is not the expected one, shows why.
 *
 * @param {Gateway} gateway
 * @param {{ secret: string, token: string }} secrets
 * @returns {Promise<"as expected" | "not as expected">}
 */
async function show(gateway, secrets) {
  await step("Starting the gateway and the example consumer", () => gateway.ready());
  if (await new Demonstration(gateway, secrets).show()) {
    return "as expected";
  }
  const problems = await gateway.problems();
  console.log(problems.length > 0 ? problems.join("\n") : `wrangler printed:\n${gateway.printed.join("\n")}`);
  return "not as expected";
}

/** Prints what the user can do while the gateway runs. @param {Gateway} gateway */
function invite(gateway) {
  // A new id at every start: the local store remembers events for as long as the real one.
  const eventId = `evt_${randomUUID().slice(0, 8)}`;
  const createdAt = new Date().toISOString();
  const sql = "SELECT * FROM payments";
  console.log(`The gateway listens on ${gateway.webhook}. ${dim("Ctrl-C stops it.")}

What you can do now, from another terminal in this folder:

${green("Send an event")} ${dim("(twice, and the second is a duplicate)")}

  . ./.dev.vars
  body='{"eventId":"${eventId}","type":"payment.completed",
    "createdAt":"${createdAt}","data":{"amount":"49.00","currency":"EUR"}}'
  signature=$(printf %s "$body" | openssl dgst -sha256 -r \\
    -hmac "\${CRONOZEN_SIGNING_SECRET%% *}" | cut -d ' ' -f 1)
  curl -i ${gateway.webhook} --data-binary "$body" \\
    -H 'Content-Type: application/json' -H "X-Cronozen-Signature: $signature"

${green("See the payments that were recorded")}

  npx wrangler d1 execute DB --local --config examples/consumer/wrangler.toml \\
    --persist-to ${gateway.storage} --command "${sql}"

${green("See what happened to it, and list the dead letters")} ${dim("(after . ./.dev.vars)")}

  curl "${gateway.api}event?id=${eventId}" -H "Authorization: Bearer $ADMIN_TOKEN"
  curl "${gateway.api}dead-letters" -H "Authorization: Bearer $ADMIN_TOKEN"

${green("Change a handler")}: edit examples/consumer/src/handlers.js, and it is reloaded

${green("Deploy")}: docs/deploy.md

The log of the gateway and the consumer follows ${dim("(--verbose shows it unchanged)")}:
`);
  gateway.lines.on("line", (line) => {
    const shown = verbose ? line : readable(line);
    if (shown !== undefined) {
      console.log(shown);
    }
  });
}
