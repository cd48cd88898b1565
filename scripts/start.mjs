// `npm start`: runs the starter with everything built from source, and shows that it works.

import { randomUUID } from "node:crypto";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import "../pkg/src/cli/ancestors.js";
import {
  Complaint,
  commonOptions,
  dim,
  green,
  readArguments,
  root,
  runQuietly,
  script,
  step,
  verbose,
} from "./command.mjs";
import { Demonstration } from "./demonstration.mjs";
import { build, rebuildOnChange, setUp } from "./setup.mjs";

/** @typedef {import("../pkg/src/cli/dev-server.ts").DevServer} DevServer */

const starter = join(root, "examples", "starter");

const wrangler = join(root, "node_modules", "wrangler", "bin", "wrangler.js");

const defaultPort = 8787;

const help = `usage: npm start -- [options]

Runs the starter on this machine, sends samples, and keeps running for your own events.

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
  const done = await setUp();
  if (done !== undefined) {
    return done;
  }
  // Node runs TypeScript only since 22.18, and an older one may have started this script.
  const { checkPort, DevServer } = await import("../pkg/src/cli/dev-server.ts");
  const { localSecrets } = await import("../pkg/src/cli/local-secrets.ts");
  await checkPort(port);
  const secrets = localSecrets(starter);
  if (secrets.created.length > 0) {
    console.log(`- made up ${secrets.created.join(" and ")} in examples/starter/.dev.vars`);
  }
  const storage = join(root, ".wrangler", `state-${port}`);
  // Both end before an error is shown: a step that counts seconds would overwrite it.
  for (const result of await Promise.allSettled([build({ unoptimised: dev }), migrate(storage)])) {
    if (result.status === "rejected") {
      throw result.reason;
    }
  }

  const interrupted = new Promise((resolve) => {
    // Not `once`: a second signal must not end the script before the server has stopped.
    process.on("SIGINT", resolve);
    process.on("SIGTERM", resolve);
    // The reader of the output has ended.
    process.stdout.on("error", resolve);
  });
  const stopped = new AbortController();
  const server = new DevServer({
    wrangler,
    folder: starter,
    port,
    args: [join(root, "scripts", "demonstration-worker.ts"), "--config=wrangler.toml", `--persist-to=${storage}`],
    // It must not outlive this script, however that ends.
    execArgv: [`--import=${new URL("../pkg/src/cli/ancestors.js", import.meta.url)}`],
  });
  try {
    const verdict = await Promise.race([show(server, secrets), interrupted]);
    if (verdict !== "as expected") {
      return verdict === "not as expected" ? 1 : interruptedCode;
    }
    if (once) {
      return 0;
    }
    await invite(server, storage);
    rebuildOnChange({ unoptimised: dev }, stopped.signal);
    // An interruption is the usual end, so it is a success.
    return await Promise.race([interrupted.then(() => 0), server.ended.then(() => 1)]);
  } finally {
    stopped.abort();
    await server.stop();
  }
});

/** Makes the tables of the handlers. @param {string} storage */
async function migrate(storage) {
  const args = [wrangler, "d1", "migrations", "apply", "DB", "--local", `--persist-to=${storage}`];
  await runQuietly(process.execPath, args, { folder: starter });
}

/**
 * Waits for the Worker and shows what it does. If a result is not the expected one, shows why.
 *
 * @param {DevServer} server
 * @param {{ secret: string, token: string }} secrets
 * @returns {Promise<"as expected" | "not as expected">}
 */
async function show(server, secrets) {
  await step("Starting the starter", () => server.ready());
  if (await new Demonstration(server.url, secrets).show()) {
    return "as expected";
  }
  const problems = await problemsOf(server.url);
  console.log(problems.length > 0 ? problems.join("\n") : `wrangler printed:\n${server.printed.join("\n")}`);
  return "not as expected";
}

/** Returns the mistakes in the gateway's settings, as it reports them. @param {string} url */
async function problemsOf(url) {
  const response = await fetch(new URL("/healthz", url));
  const { problems = [] } = /** @type {{ problems?: Record<string, string>[] }} */ (await response.json());
  return problems.map(({ name, expected, found }) => `${name}: expected ${expected}, got ${found}`);
}

/**
 * Prints what the user can do while the Worker runs, and then its log.
 *
 * @param {DevServer} server
 * @param {string} storage
 */
async function invite(server, storage) {
  const { readable } = await import("../pkg/src/cli/log.ts");
  const page = `${server.url}/console`;
  // A new id at every start: the local store remembers events for as long as the real one.
  const eventId = `evt_${randomUUID().slice(0, 8)}`;
  console.log(`The webhook is ${server.url}/webhooks/cronozen. ${dim("Ctrl-C stops it.")}
The console is ${page}/ ${dim("(log in with any name, and the ADMIN_TOKEN of examples/starter/.dev.vars)")}

What you can do now, from another terminal in this folder:

${green("Send an event")} ${dim("(twice, and the second is a duplicate)")}

  . examples/starter/.dev.vars
  body='{"eventId":"${eventId}","type":"payment.completed",
    "createdAt":"${new Date().toISOString()}","data":{"amount":"49.00","currency":"EUR"}}'
  signature=$(printf %s "$body" | openssl dgst -sha256 -r \\
    -hmac "\${CRONOZEN_SIGNING_SECRET%% *}" | cut -d ' ' -f 1)
  curl -i ${server.url}/webhooks/cronozen --data-binary "$body" \\
    -H 'Content-Type: application/json' -H "X-Cronozen-Signature: $signature"

${green("See the payments that were recorded")}

  npx wrangler d1 execute DB --local --config examples/starter/wrangler.toml \\
    --persist-to ${relative(root, storage)} --command "SELECT * FROM payments"

${green("See what happened to it")}: ${page}/event?id=${eventId} ${dim("(or, as JSON)")}

  . examples/starter/.dev.vars
  curl "${page}/api/event?id=${eventId}" -H "Authorization: Bearer $ADMIN_TOKEN"

${green("Change a handler")}: edit examples/starter/src/handlers.ts, and it is reloaded

${green("Deploy")}: docs/deploy.md

The log of the gateway and the consumer follows ${dim("(--verbose shows it unchanged)")}:
`);
  server.lines.on("line", (line) => {
    const shown = verbose ? line : readable(line);
    if (shown !== undefined) {
      console.log(shown);
    }
  });
}
