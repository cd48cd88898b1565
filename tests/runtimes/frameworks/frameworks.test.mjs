// The README's example for each framework, as printed, with the framework and the tarball, as a real server.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, test } from "node:test";
import { root } from "../../../scripts/command.mjs";
import { freePort } from "../../support/ports.mjs";
import { withWrangler } from "../dev.mjs";
import { bun, deno, patience, project, run, tools } from "../project.mjs";
import { withServer } from "../server.mjs";
import { deliverAll, handled, secret } from "./deliveries.mjs";

const secretName = "CRONOZEN_SIGNING_SECRET";
const env = { ...process.env, [secretName]: secret, DENO_NO_UPDATE_CHECK: "1", NEXT_TELEMETRY_DISABLED: "1" };
const wrangler = join(root, "node_modules", "wrangler", "bin", "wrangler.js");

const readme = readFileSync(join(root, "pkg", "README.md"), "utf8");

/**
 * @typedef {(name: string) => Promise<string[]>} Runner sends every delivery to the framework's example, and returns
 * the ids of the handled events
 */

/** @type {Record<string, { runner: Runner, skip?: string | false }>} */
const frameworks = {
  "node:http": { runner: (name) => serve(name, process.execPath, []) },
  "Express 5": { runner: (name) => serve(name, process.execPath, []) },
  Fastify: { runner: (name) => serve(name, process.execPath, []) },
  Hono: { runner: (name) => serve(name, process.execPath, []) },
  "Next.js": { runner: serveNext },
  "AWS Lambda": { runner: serveLambda },
  "Cloudflare Workers": { runner: serveWorker },
  Bun: { runner: (name) => serve(name, bun.path, ["run"]), skip: bun.skip },
  Deno: {
    runner: (name) => serve(name, deno.path, ["run", "--no-prompt", "--allow-net", `--allow-env=${secretName}`]),
    skip: deno.skip,
  },
};

/** @type {string} */
let folder;
before(async () => {
  folder = await project(new URL(".", import.meta.url));
  for (const name of ["express", "fastify", "hono", "@hono/node-server", "next", "react", "react-dom"]) {
    const link = join(folder, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(tools, name), link);
  }
}, patience);

test("each example of the README is run", () => {
  const names = [...readme.matchAll(/<summary>(.*?)<\/summary>/g)].map(([, name]) => name);
  assert.deepEqual(names, Object.keys(frameworks));
});

for (const [name, { runner, skip = false }] of Object.entries(frameworks)) {
  test(name, { ...patience, skip }, async () => {
    assert.deepEqual(await runner(name), handled);
  });
}

/**
 * The example of a framework.
 *
 * @param {string} name
 * @param {"js" | "sql"} [language]
 */
function example(name, language = "js") {
  const [, part = ""] = readme.split(`<summary>${name}</summary>`);
  const [block = ""] = part.split("</details>");
  const found = [...block.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "gs"))];
  assert.equal(found.length, 1, `the README has ${found.length} examples in ${language} for ${name}`);
  return String(found[0]?.[1]);
}

/** @param {string} path in the project @param {string} code */
function write(path, code) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), code);
}

/**
 * Runs an example that is a server.
 *
 * @param {string} name
 * @param {string} command
 * @param {string[]} args before its file
 */
async function serve(name, command, args) {
  const port = await freePort();
  const parts = example(name).split("3000");
  assert.equal(parts.length, 2, "an example names its port once");
  const file = `${name.replaceAll(/\W/g, "-")}.js`;
  write(file, parts.join(String(port)));
  return deliverTo(command, [...args, file], port);
}

/** @param {string} name */
async function serveNext(name) {
  write("app/webhooks/cronozen/route.js", example(name));
  cpSync(join(folder, "handle.js"), join(folder, "app/webhooks/cronozen/handle.js"));
  const next = join(folder, "node_modules/next/dist/bin/next");
  // A build has no secret.
  await run(folder, process.execPath, [next, "build"], { ...env, [secretName]: undefined });
  const port = await freePort();
  return deliverTo(process.execPath, [next, "start", "--hostname=127.0.0.1", `--port=${port}`], port);
}

/** @param {string} name */
async function serveLambda(name) {
  write("lambda-function.js", example(name));
  const port = await freePort();
  return deliverTo(process.execPath, ["lambda.mjs", String(port)], port);
}

/** @param {string} command @param {string[]} args @param {number} port */
async function deliverTo(command, args, port) {
  const url = new URL(`http://127.0.0.1:${port}/webhooks/cronozen`);
  const printed = await withServer({ folder, command, args, env, url }, deliverAll);
  return [...printed.matchAll(/^handled (\S+)$/gm)].map(([, id]) => String(id));
}

/** @param {string} name */
async function serveWorker(name) {
  write("worker.js", example(name));
  write("events.sql", example(name, "sql"));
  write(".dev.vars", `${secretName}="${secret}"\n`);
  for (const file of ["events.sql", "fails.sql"]) {
    await d1("--file", file);
  }
  await withWrangler(folder, wrangler, process.env, async (url, printed) => {
    // Twice: an event that comes again changes nothing.
    await deliverAll(url, printed);
    await deliverAll(url, printed);
  });
  const [{ results }] = JSON.parse(await d1("--json", "--command", "SELECT event_id FROM events ORDER BY rowid"));
  return results.map((/** @type {{ event_id: string }} */ { event_id }) => event_id);
}

/** @param {string[]} args */
function d1(...args) {
  return run(folder, process.execPath, [wrangler, "d1", "execute", "DB", "--local", ...args]);
}
