// Marked secrets, tokens, bodies and signatures go through the commands and their failures. Then all that they print and all
// files that they and wrangler write are searched for them.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { sign } from "../../scripts/delivery.mjs";
import { Canaries } from "../support/canaries.mjs";
import { freePort } from "../support/ports.mjs";
import { runCli, scratchFolder, serve } from "./cli.mjs";
import { newProject } from "./project.mjs";

const canaries = new Canaries();
const secret = canaries.make("secret", "whsec_");
const next = canaries.make("secret", "whsec_");
const token = canaries.make("token");
const apiToken = canaries.make("API token");
const home = scratchFolder();
const url = canaries.make("part of a URL");
const data = JSON.stringify({ name: canaries.make("body"), card: canaries.make("body") });

const secrets = {
  CRONOZEN_SIGNING_SECRET: secret,
  CRONOZEN_SIGNING_SECRET_NEXT: next,
  ADMIN_TOKEN: token,
  CLOUDFLARE_API_TOKEN: apiToken,
  CLOUDFLARE_ACCOUNT_ID: "0123456789abcdef0123456789abcdef",
};

/** The environment, with a home of its own. @param {Record<string, string>} [more] */
const environment = (more) => ({ ...secrets, HOME: home, XDG_CONFIG_HOME: join(home, ".config"), ...more });

/**
 * Runs a command with the stacks of unexpected failures, and searches what it prints.
 *
 * @param {string[]} args
 * @param {{ codes?: number[], folder?: string, input?: string, more?: Record<string, string> }} [options]
 */
async function run(args, { codes = [2], folder, input, more } = {}) {
  const { code, stdout, stderr } = await runCli(args, {
    ...(folder !== undefined && { folder }),
    ...(input !== undefined && { input }),
    secrets: environment({ DEBUG: "any-value-of-it", ...more }),
  });
  assert.ok(codes.includes(code ?? -1), `${args.join(" ")}: ${code}\n${stdout}${stderr}`);
  canaries.search("stdout", stdout);
  canaries.search("stderr", stderr);
}

/** A host that sends back all that it gets, in each part of its answer. @param {number} status */
async function echo(status) {
  return serve(({ url: path, headers, body }, response) => {
    const all = JSON.stringify({ path, headers, body });
    const named = { "x-echo": encodeURIComponent(all).slice(0, 2000), "content-type": "application/json" };
    response.writeHead(status, status === 307 ? { ...named, location: `https://127.0.0.1:1/${url}` } : named);
    response.end(JSON.stringify({ code: all, title: all, message: all, error: all, deadLetters: all, all }));
  });
}

/** A host that ends the connection. */
function broken() {
  return serve((_, response) => response.destroy());
}

async function hosts() {
  const failing = await Promise.all([200, 307, 400, 401, 500].map((status) => echo(status)));
  return [...failing, await broken(), `http://127.0.0.1:${await freePort()}`];
}

suite("no command prints what is private", { concurrency: 2 }, () => {
  test("send", async () => {
    const id = canaries.make("event id", "evt_");
    for (const host of await hosts()) {
      const address = `${host}/hooks?key=${url}`;
      await run(["send", "payment.completed", address, "--id", id, "--data", data], { codes: [0, 1, 2] });
    }
    const host = await echo(200);
    await run(["send", "payment.completed", host, "--tamper", "body", "--data", data], { codes: [0, 1] });
    await run(["send", "payment.completed", host, "--schedule", "--time-scale", "1000000", "--json"], { codes: [0] });
    await run(["send", "payment.completed", host, "--data", data.slice(0, -1)]);
    await run(["send", "payment.completed", `https://ops:${url}@edge.example.com/`, "--data", data]);
    await run(["send", "payment.completed", `ftp://${url}`]);
    const folder = scratchFolder();
    writeFileSync(join(folder, "data.json"), data.slice(0, -1));
    await run(["send", "payment.completed", host, "--data", "@data.json"], { folder });
    await run(["send", "payment.completed", host], {
      more: { CRONOZEN_SIGNING_SECRET: `\u200b${secret}` },
      codes: [1, 2],
    });
  });

  test("verify", async () => {
    const body = JSON.stringify({ eventId: canaries.make("body"), type: "a", data: JSON.parse(data) });
    const right = canaries.addSignature("signature", sign(body, secret));
    const wrong = canaries.addSignature("signature", sign(`${body} `, "whsec_wrong"));
    const cookie = canaries.make("header");
    const head = `POST /hooks?key=${url} HTTP/1.1\r\nAuthorization: Bearer ${cookie}\r\nCookie: session=${cookie}`;
    const inputs = [right, wrong, `sha256=${right}`, secret].flatMap((signature) => [
      `${head}\r\nX-Cronozen-Signature: ${signature}\r\n\r\n${body.replace('"a"', '"b"')}\n`,
      `curl https://edge.example.com/?key=${url} -H 'Cookie: ${cookie}' -H 'X-Cronozen-Signature: ${signature}' --data-binary '${body}'`,
    ]);
    const broken = [
      head,
      body,
      `${head}\r\n\r\n${body}`,
      `curl --data-binary '${body}`,
      `curl -X '${cookie}' -H ${cookie}`,
    ];
    for (const input of [...inputs, ...broken]) {
      await run(["verify", "--json"], { input, codes: [0, 1, 2] });
    }
    const [input = ""] = inputs;
    for (const value of [
      `"${secret}"`,
      `${secret} ${secret}`,
      Buffer.from(secret).toString("base64"),
      `${secret} `.repeat(9),
    ]) {
      await run(["verify"], { input, codes: [0, 1, 2], more: { CRONOZEN_SIGNING_SECRET: value } });
    }
  });

  test("dead-letters", async () => {
    const letter = ["dead-letters", "show", "1", "--url"];
    for (const host of await hosts()) {
      await run(["dead-letters", "list", "--url", `${host}/console?key=${url}`]);
      await run([...letter, `${host}/console`], { codes: [0, 2] });
      await run(["dead-letters", "redrive", "1", "--yes", "--url", host], { codes: [1, 2] });
    }
    await run([...letter, `http://edge.example.com/${url}`]);
    for (const unusable of [`${token} ${token}`, `${token}\n${token}`, `${token}é`]) {
      await run([...letter, await echo(200)], { more: { ADMIN_TOKEN: unusable } });
    }
  });

  test("doctor with a URL", async () => {
    for (const host of await hosts()) {
      await run(["doctor", `${host}/hooks?key=${url}`], { codes: [0, 1] });
    }
  });

  test("doctor with a project whose files hold secrets", async () => {
    const project = await newProject();
    const files = {
      ".dev.vars": [`CRONOZEN_SIGNING_SECRET="${secret}\nADMIN_TOKEN=${token.slice(0, 20)}`, `${secret}\n= ${token}`],
      "wrangler.toml": [
        project.read("wrangler.toml").replace("[vars]", `[vars]\nCRONOZEN_SIGNING_SECRET_NEXT = "${secret}"`),
        `[vars]\nCRONOZEN_SIGNING_SECRET = "${secret}\n`,
        `[vars]\nCRONOZEN_SIGNING_SECRET = ${secret}\n`,
      ],
      "package.json": [`{"secret": "${secret}`],
    };
    for (const [file, texts] of Object.entries(files)) {
      const right = file === ".dev.vars" ? "" : project.read(file);
      for (const text of texts) {
        project.write(file, text);
        await run(["doctor"], { folder: project.folder, codes: [1, 2] });
      }
      project.write(file, right);
    }
  });

  test("setup, with wrangler's own files", async () => {
    const project = await newProject();
    const api = await serve((_, response) => {
      const errors = [{ code: 10_000, message: "Authentication error" }];
      response.writeHead(403, { "content-type": "application/json" });
      response.end(JSON.stringify({ success: false, result: null, errors, messages: [] }));
    });
    const more = { CLOUDFLARE_API_BASE_URL: `${api}/client/v4`, WRANGLER_LOG: "debug" };
    await run(["setup"], { folder: project.folder, more });
    canaries.searchFiles(home, () => "files of wrangler");
  });
});

test("nothing private was printed or written", () => {
  canaries.assertPlaces({ stdout: ["event id"], stderr: [], "files of wrangler": [] });
});
