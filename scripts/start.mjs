// `npm start`: runs the gateway and the example consumer, and shows that they work.

import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import "./ancestors.mjs";
import { Complaint, script, step } from "./command.mjs";
import { Demonstration } from "./demonstration.mjs";
import { checkPort, Gateway, migrate } from "./gateway.mjs";
import { build, setUp } from "./setup.mjs";

const usage = "usage: npm start -- [--once] [--port N]";
const defaultPort = 8787;

/** The exit code of a script that a signal has ended, as shells have it. */
const interruptedCode = 130;

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        help: { type: "boolean", short: "h", default: false },
        once: { type: "boolean", default: false },
        port: { type: "string", default: String(defaultPort) },
      },
    });
    const port = Number(values.port);
    if (/^\d+$/.test(values.port) && port >= 1 && port <= 65_535) {
      return { ...values, port };
    }
  } catch {
    // Falls through to the usage.
  }
  throw new Complaint(usage);
}

await script(async () => {
  const { help, once, port } = readArguments();
  if (help) {
    console.log(usage);
    return 0;
  }
  const done = await setUp();
  if (done !== undefined) {
    return done;
  }
  // Uses what Node 20 got only later.
  const { localSecrets } = await import("./secret.mjs");
  await checkPort(port);
  const secrets = localSecrets();
  await Promise.all([build(), migrate(port)]);

  const interrupted = new Promise((resolve) => {
    // Not once: a second signal must not end the script before the gateway has stopped.
    process.on("SIGINT", resolve);
    process.on("SIGTERM", resolve);
    // Whoever reads the output has gone.
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
    // The way to end it is to interrupt it, so that is a success.
    return await Promise.race([interrupted.then(() => 0), gateway.ended.then(() => 1)]);
  } finally {
    await gateway.stop();
  }
});

/**
 * Starts the gateway and shows what it does; if that is not as it should be, why.
 *
 * @param {Gateway} gateway
 * @param {{ secret: string, token: string }} secrets
 * @returns {Promise<"as expected" | "not as expected">}
 */
async function show(gateway, secrets) {
  await step("starting the gateway and the example consumer", () => gateway.ready());
  if (await new Demonstration(gateway, secrets).show()) {
    return "as expected";
  }
  const problems = await gateway.problems();
  console.log(problems.length > 0 ? problems.join("\n") : `wrangler printed:\n${gateway.printed.join("\n")}`);
  return "not as expected";
}

/** @param {Gateway} gateway */
function invite(gateway) {
  // Another at every start: the local store remembers events as long as the real one.
  const eventId = `evt_${randomUUID().slice(0, 8)}`;
  console.log(`The gateway listens on ${gateway.webhook}; Ctrl-C stops it. Try it from another terminal, in this folder:

  . ./.dev.vars
  body='{"eventId":"${eventId}","type":"payment.completed","createdAt":"${new Date().toISOString()}","data":{"amount":"49.00","currency":"EUR"}}'
  curl -i ${gateway.webhook} -H 'Content-Type: application/json' \\
    -H "X-Cronozen-Signature: $(printf %s "$body" | openssl dgst -sha256 -hmac "\${CRONOZEN_SIGNING_SECRET%% *}" -r | cut -d ' ' -f 1)" \\
    --data-binary "$body"

What could not be handled is listed with:

  curl ${gateway.deadLetters} -H "Authorization: Bearer $ADMIN_TOKEN"
`);
  gateway.lines.on("line", (line) => console.log(line));
}
