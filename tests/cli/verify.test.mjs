// `verify`: captured requests, each with a mistake that is named and proved.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runCli, scratchFolder } from "./cli.mjs";

const secret = "whsec_5f1d2c7b9a8e4d31";
const newSecret = "whsec_0a9b8c7d6e5f4a3b";
const event = { eventId: "evt_1", type: "payment.completed", data: { to: "Zoë", amount: 49, note: "a/b <c>" } };
const body = JSON.stringify(event);

/** @param {string | Buffer} text @param {string | Buffer} [key] @param {"hex" | "base64"} [encoding] */
const sign = (text, key = secret, encoding = "hex") => createHmac("sha256", key).update(text).digest(encoding);

/** A request as a proxy shows it. @param {string | Buffer} text @param {string | undefined} signature @param {string[]} [headers] */
function request(text, signature, headers = []) {
  const lines = ["POST /webhooks/cronozen HTTP/1.1", "Host: example.com", "Content-Type: application/json", ...headers];
  const own = signature === undefined ? [] : [`X-Cronozen-Signature: ${signature}`];
  return Buffer.concat([Buffer.from(`${[...lines, ...own].join("\r\n")}\r\n\r\n`), Buffer.from(text)]);
}

/**
 * @param {string[]} args
 * @param {{ input?: string | Buffer, folder?: string, secrets?: Record<string, string> }} [options]
 */
async function verify(args, { input = "", folder, secrets = { CRONOZEN_SIGNING_SECRET: secret } } = {}) {
  const options = { input, secrets, ...(folder === undefined ? {} : { folder }) };
  const { code, stdout, stderr } = await runCli(["verify", "--json", ...args], /** @type {any} */ (options));
  assert.equal(stderr, "");
  assert.doesNotMatch(stdout, /5f1d2c7b9a8e4d31|0a9b8c7d6e5f4a3b|evt_1/);
  /** @type {{ ok: boolean, error?: string, verified: number | null, secrets: number, bytes: number, notes: string[], findings: { code: string, proof?: string, cure: string }[] }} */
  const result = JSON.parse(stdout);
  return { code, ...result, codes: result.findings?.map((finding) => finding.code) };
}

/**
 * Captured requests with the mistakes that are in them. `proof` is a part of its text; some findings are facts, and need
 * none.
 *
 * @type {Record<string, { input: string | Buffer, codes: string[], proof?: RegExp, secrets?: Record<string, string>, verified?: number }>}
 */
const captured = {
  "a prefix": {
    input: request(body, `sha256=${sign(body)}`),
    codes: ["signature_prefix"],
    proof: /without its prefix/,
  },
  base64: { input: request(body, sign(body, secret, "base64")), codes: ["signature_base64"], proof: /base64/ },
  "upper case": { input: request(body, sign(body).toUpperCase()), codes: ["signature_upper_case"], proof: /header/ },
  "quotation marks": { input: request(body, `"${sign(body)}"`), codes: ["signature_surrounded"], proof: /header/ },
  "no signature": { input: request(body, undefined), codes: ["signature_missing"] },
  "an empty signature": { input: request(body, ""), codes: ["signature_empty"] },
  "a signature that is cut off": { input: request(body, sign(body).slice(0, 40)), codes: ["signature_length"] },
  "another character": { input: request(body, sign(body).replace(/^./, "z")), codes: ["signature_character"] },
  "an added newline": {
    input: request(`${body}\n`, sign(body)),
    codes: ["body_trailing_newline"],
    proof: /without LF/,
  },
  "a lost newline": { input: request(body, sign(`${body}\n`)), codes: ["body_trailing_newline"], proof: /LF/ },
  "changed line breaks": {
    input: request('{\n"eventId":"evt_1"\n}', sign('{\r\n"eventId":"evt_1"\r\n}')),
    codes: ["body_line_breaks"],
    proof: /CRLF|CR LF/,
  },
  "a byte order mark": { input: request(`\ufeff${body}`, sign(body)), codes: ["body_byte_order_mark"], proof: /mark/ },
  "Latin-1": { input: request(Buffer.from(body, "latin1"), sign(body)), codes: ["body_latin1"], proof: /Latin-1/ },
  "indented JSON": {
    input: request(JSON.stringify(event, null, 2), sign(body)),
    codes: ["body_reserialised"],
    proof: /JSON/,
  },
  "sorted keys": {
    input: request('{"a":1,"eventId":"evt_1","type":"x"}', sign('{"a": 1, "eventId": "evt_1", "type": "x"}')),
    codes: ["body_reserialised"],
    proof: /JSON/,
  },
  "escaped letters": {
    input: request(body, sign(body.replace("ë", "\\u00eb"))),
    codes: ["body_reserialised"],
    proof: /JSON/,
  },
  "an empty body when signed": { input: request(body, sign("")), codes: ["body_empty"], proof: /empty/ },
  "a signed time stamp": {
    input: request(body, `t=1795000000,v1=${sign(`1795000000.${body}`)}`),
    codes: ["signature_prefix", "body_timestamped"],
    proof: /time/,
  },
  "the eighth secret": {
    input: request(body, sign(body)),
    codes: ["secret_previous"],
    verified: 7,
    secrets: { CRONOZEN_SIGNING_SECRET: `${`${newSecret} `.repeat(7)}${secret}` },
  },
  "the previous secret": {
    input: request(body, sign(body)),
    codes: ["secret_previous"],
    verified: 1,
    secrets: { CRONOZEN_SIGNING_SECRET_NEXT: newSecret, CRONOZEN_SIGNING_SECRET: secret },
  },
  "a newline after the signer's secret": {
    input: request(body, sign(body, `${secret}\n`)),
    codes: ["secret_white_space"],
    proof: /LF|line/,
  },
  "white space around the secret, which is harmless": {
    input: request(body, sign(body)),
    codes: [],
    verified: 0,
    secrets: { CRONOZEN_SIGNING_SECRET: ` ${secret}\n` },
  },
  "a byte order mark before the secret": {
    input: request(body, sign(body)),
    codes: ["secret_invisible_character"],
    proof: /position 0/,
    secrets: { CRONOZEN_SIGNING_SECRET: `\ufeff${secret}` },
  },
  "a secret in quotation marks": {
    input: request(body, sign(body)),
    codes: ["secret_quoted"],
    secrets: { CRONOZEN_SIGNING_SECRET: `"${secret}"` },
    proof: /quotation/,
  },
  "a decoded secret": {
    input: request(body, sign(body, Buffer.from("5f1d2c7b9a8e4d31", "hex"))),
    codes: ["secret_decoded"],
    proof: /decoded/,
  },
  "a secret without its prefix": {
    input: request(body, sign(body, "5f1d2c7b9a8e4d31")),
    codes: ["secret_prefix_removed"],
    proof: /prefix/,
  },
  "another secret": { input: request(body, sign(body, "whsec_of_another_registration")), codes: ["unexplained"] },
  "two mistakes": {
    input: request(`${body}\n`, `sha256=${sign(body)}`),
    codes: ["signature_prefix", "body_trailing_newline"],
    proof: /without LF.*without its prefix/,
  },
};

for (const [name, { input, codes, proof, secrets, verified }] of Object.entries(captured)) {
  test(`a captured request with ${name} is diagnosed`, async () => {
    const result = await verify([], { input, ...(secrets && { secrets }) });
    assert.deepEqual(result.codes, codes);
    assert.equal(result.verified, verified ?? null);
    assert.equal(result.code, verified === undefined ? 1 : 0);
    if (proof !== undefined) {
      assert.match(result.findings.at(-1)?.proof ?? "no proof", proof);
    }
    assert.ok(result.findings.every(({ cure }) => cure !== ""));
  });
}

test("a right secret beside one that the gateway refuses does not verify", async () => {
  /** @type {[string, string][]} */
  const refused = [
    [`"${newSecret}"`, "secret_quoted"],
    [`${newSecret}\u200b`, "secret_invisible_character"],
  ];
  for (const [next, code] of refused) {
    const secrets = { CRONOZEN_SIGNING_SECRET_NEXT: next, CRONOZEN_SIGNING_SECRET: secret };
    const result = await verify([], { input: request(body, sign(body)), secrets });
    assert.equal(result.code, 1);
    assert.equal(result.ok, false);
    assert.equal(result.verified, null);
    assert.ok(result.codes.includes(code), String(result.codes));
    const { code: exit, stdout } = await runCli(["verify"], { secrets, input: request(body, sign(body)).toString() });
    assert.equal(exit, 1);
    assert.match(stdout, /^not verified /);
  }
});

test("a right request is verified, from a file and from standard input", async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, "request.txt"), request(body, sign(body)));
  const bytes = Buffer.byteLength(body);
  const wanted = { code: 0, ok: true, verified: 0, secrets: 1, bytes, findings: [], notes: [], codes: [] };
  assert.deepEqual(await verify(["request.txt"], { folder }), wanted);
  assert.deepEqual(await verify([], { input: request(body, sign(body)) }), wanted);
  assert.deepEqual(await verify(["-"], { input: request(body, sign(body)) }), wanted);
});

test("the report says by which secret, or names the mistake with proof and cure", async () => {
  const secrets = { CRONOZEN_SIGNING_SECRET: secret };
  const right = await runCli(["verify"], { secrets, input: request(body, sign(body)).toString() });
  assert.match(right.stdout, /^verified by the secret at position 0 {2}body of \d+ bytes, 1 secret\n$/);
  const wrong = await runCli(["verify"], { secrets, input: request(`${body}\n`, sign(body)).toString() });
  assert.match(
    wrong.stdout,
    /^not verified .*\n\nbody_trailing_newline\n {2}\S[\s\S]*\n {2}Proof: HMAC-SHA256 [\s\S]*\n {2}Pass /,
  );
  assert.ok(
    wrong.stdout.split("\n").every((line) => line.length <= 80),
    wrong.stdout,
  );
});

test("the report names the variable of each of several secrets", async () => {
  const input = request(body, sign(body)).toString();
  const both = { CRONOZEN_SIGNING_SECRET_NEXT: newSecret, CRONOZEN_SIGNING_SECRET: secret };
  /** @type {[string, Record<string, string>][]} */
  const lines = [
    ["0: CRONOZEN_SIGNING_SECRET_NEXT, 1: CRONOZEN_SIGNING_SECRET", both],
    ["0 to 1: CRONOZEN_SIGNING_SECRET", { CRONOZEN_SIGNING_SECRET: `${newSecret} ${secret}` }],
    [
      "0 to 1: CRONOZEN_SIGNING_SECRET_NEXT, 2 to 4: CRONOZEN_SIGNING_SECRET",
      { CRONOZEN_SIGNING_SECRET_NEXT: `${newSecret} x`, CRONOZEN_SIGNING_SECRET: `y z ${secret}` },
    ],
  ];
  for (const [line, secrets] of lines) {
    const [, second] = (await runCli(["verify"], { secrets, input })).stdout.split("\n");
    assert.equal(second, `secrets  ${line}`);
  }
});

test("a request with LF alone, as editors save it, is read", async () => {
  const text = request(body, sign(body)).toString().replaceAll("\r\n", "\n");
  assert.equal((await verify([], { input: text })).verified, 0);
  const headersAlone = text.split("\n").slice(1).join("\n");
  assert.equal((await verify([], { input: headersAlone })).verified, 0);
});

test("a byte order mark and blank lines before a request or a curl command are skipped", async () => {
  const command = Buffer.from(commands["single quotes"] ?? "");
  for (const start of ["\ufeff", "\n", "\r\n \r\n", "\ufeff\n"]) {
    for (const text of [request(body, sign(body)), command]) {
      assert.equal((await verify([], { input: Buffer.concat([Buffer.from(start), text]) })).verified, 0);
    }
  }
});

test("a body alone keeps its byte order mark, and UTF-16 is said", async () => {
  const marked = await verify(["--body", "-", "--signature", sign(body)], { input: `\ufeff${body}` });
  assert.deepEqual(marked.codes, ["body_byte_order_mark"]);
  const wide = Buffer.from(`\ufeff${body}`, "utf16le");
  const { notes, bytes } = await verify(["--body", "-", "--signature", sign(body)], { input: wide });
  assert.equal(bytes, wide.length);
  assert.match(notes[0] ?? "", /UTF-16, as PowerShell's > writes it/);
});

test("the white space that an editor adds after the Content-Length is cut off, and said", async () => {
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  for (const added of ["\n", "\r\n", " \n\n"]) {
    const { verified, notes } = await verify([], { input: request(`${body}${added}`, sign(body), [length]) });
    assert.equal(verified, 0);
    assert.match(notes[0] ?? "", /By its Content-Length, the body is the first/);
  }
  const short = await verify([], { input: request(body.slice(0, -1), sign(body), [length]) });
  assert.match(short.notes[0] ?? "", /the capture is incomplete or changed/);
});

test("a changed body that is longer than its Content-Length is diagnosed whole, and said", async () => {
  const lines = '{\n"eventId":"evt_1"\n}';
  /** @type {[code: string, sent: string, captured: string][]} */
  const changes = [
    ["body_reserialised", body, JSON.stringify(event, null, 2)],
    ["body_line_breaks", lines, lines.replaceAll("\n", "\r\n")],
    ["body_line_breaks", `${body}\n`, `${body}\r\n`],
    ["body_latin1", body, Buffer.from(body).toString("latin1")],
  ];
  for (const [code, sent, captured] of changes) {
    const length = `Content-Length: ${Buffer.byteLength(sent)}`;
    const { codes, bytes, notes } = await verify([], { input: request(captured, sign(sent), [length]) });
    assert.deepEqual(codes, [code]);
    assert.equal(bytes, Buffer.byteLength(captured));
    assert.match(notes[0] ?? "", /the capture is longer than it was sent/);
  }
});

test("a chunked or compressed body is said", async () => {
  const chunked = request(`${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`, sign(body), [
    "Transfer-Encoding: chunked",
  ]);
  assert.match((await verify([], { input: chunked })).notes[0] ?? "", /still chunked/);
  const decoded = request(body, sign(body), ["Transfer-Encoding: chunked"]);
  assert.deepEqual((await verify([], { input: decoded })).notes, []);
  const compressed = request("\x1f\x8b", sign(body), ["Content-Encoding: gzip"]);
  assert.match((await verify([], { input: compressed })).notes[0] ?? "", /compressed/);
});

const header = `-H 'X-Cronozen-Signature: ${sign(body)}'`;
const json = body.replaceAll('"', '\\"');
const ansi = body.replaceAll("ë", "\\u00eb").replaceAll("<", "\\x3c");
/** @type {Record<string, string>} */
const commands = {
  "single quotes": `curl -X POST https://example.com/webhooks/cronozen ${header} --data-raw '${body}'`,
  "double quotes": `curl https://example.com -H "x-cronozen-signature: ${sign(body)}" -d "${json}"`,
  "ANSI quotes": `curl 'https://example.com' ${header} --data-raw $'${ansi}'`,
  "several lines": `$ curl https://example.com \\\n  ${header} \\\n  --data-binary '${body}' | cat\n`,
  "attached values": `curl -sSH'X-Cronozen-Signature: ${sign(body)}' -d'${body}' https://example.com`,
  "a quoted quotation mark": `curl https://example.com ${header} --data ''${body
    .split("")
    .map((letter) => `\\${letter}`)
    .join("")}''`,
};

for (const [name, command] of Object.entries(commands)) {
  test(`a curl command with ${name} is read`, async () => {
    const { verified, bytes } = await verify([], { input: command });
    assert.equal(bytes, Buffer.byteLength(body));
    assert.equal(verified, 0);
  });
}

test("a curl command's file is read as curl reads it", async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, "body.json"), `${body}\n`);
  const command = (/** @type {string} */ option) => `curl https://example.com ${header} ${option} @body.json`;
  assert.equal((await verify([], { folder, input: command("--data") })).verified, 0);
  assert.deepEqual((await verify([], { folder, input: command("--data-binary") })).codes, ["body_trailing_newline"]);
});

test("a body and a signature are verified, and the body may come from standard input", async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, "body.json"), body);
  assert.equal((await verify(["--body", "body.json", "--signature", sign(body)], { folder })).verified, 0);
  assert.equal((await verify(["--body", "-", "--signature", sign(body)], { input: body })).verified, 0);
  assert.deepEqual((await verify(["--body", "-"], { input: body })).codes, ["signature_missing"]);
});

test("a variable that the environment does not set, or sets to white space, is taken from .dev.vars", async () => {
  const folder = scratchFolder();
  const input = request(body, sign(body));
  writeFileSync(join(folder, ".dev.vars"), `CRONOZEN_SIGNING_SECRET="${newSecret} ${secret}"\n`);
  assert.equal((await verify([], { folder, input, secrets: {} })).verified, 1);
  assert.equal((await verify([], { folder, input, secrets: { CRONOZEN_SIGNING_SECRET: "\t" } })).verified, 1);
  const replaced = await verify([], { folder, input });
  assert.deepEqual([replaced.verified, replaced.secrets], [0, 1]);
  // The other variable stays in use.
  writeFileSync(join(folder, ".dev.vars"), `CRONOZEN_SIGNING_SECRET_NEXT=${newSecret}\nCRONOZEN_SIGNING_SECRET=x\n`);
  const merged = await verify([], { folder, input });
  assert.deepEqual([merged.verified, merged.secrets], [1, 2]);
});

/** @type {Record<string, { args?: string[], input?: string | Buffer, secrets?: Record<string, string>, error: RegExp }>} */
const unusable = {
  "no secret": {
    input: request(body, sign(body)).toString(),
    secrets: {},
    error: /^CRONOZEN_SIGNING_SECRET neither set nor/,
  },
  "nine secrets in two variables": {
    input: request(body, sign(body)).toString(),
    secrets: { CRONOZEN_SIGNING_SECRET_NEXT: newSecret, CRONOZEN_SIGNING_SECRET: `${secret} `.repeat(8) },
    error: /^9 secrets, at most 8 are allowed/,
  },
  nothing: { error: /^input empty: a raw request is expected/ },
  "UTF-16": {
    input: Buffer.from(`\ufeff${request(body, sign(body))}`, "utf16le"),
    error: /^input in UTF-16, as PowerShell's > writes it/,
  },
  "UTF-16, the other byte first": {
    input: Buffer.from(`\ufeff${request(body, sign(body))}`, "utf16le").swap16(),
    error: /^input in UTF-16/,
  },
  "blank lines alone": { input: `\ufeff${"\n".repeat(10_000_000)}`, error: /^input empty/ },
  "no blank line": { input: "POST / HTTP/1.1\r\nHost: a", error: /^request incomplete: there is no blank line/ },
  "an answer": { input: "HTTP/1.1 401 Unauthorized\r\n\r\n{}", error: /^input an answer, not a request/ },
  "the output of curl -v": { input: "* Connected\n> POST / HTTP/1.1\n>\n\n", error: /^input the output of curl -v/ },
  prose: { input: "It does not work.\n\nPlease help.", error: /^input not a request/ },
  "a missing file": { args: ["nothing.txt"], error: /^file nothing\.txt not readable: it does not exist/ },
  "a signature alone": { args: ["--signature", "00"], error: /^--signature without a body/ },
  "two inputs": { args: ["a.txt", "--body", "b.txt"], error: /^input twice/ },
  "a curl command without a body": { input: "curl https://example.com", error: /^body missing in the curl command/ },
  "a curl command with a variable": { input: 'curl -d "$body" https://a', error: /^curl command with a variable/ },
  "a curl command with a command": {
    input: 'curl -H "a: $(date)" -d x https://a',
    error: /^curl command with a variable or a command/,
  },
  "an open quotation mark": { input: "curl -d '{} https://a", error: /^curl command incomplete/ },
  "a form": { input: "curl -F a=b https://a", error: /^option -F not read/ },
  "a body on curl's standard input": { input: "curl -d @- https://a", error: /^body on curl's standard input/ },
  "a body over 1 MiB": {
    input: `POST / HTTP/1.1\n\n${" ".repeat(1_048_577)}`,
    error: /^body too large: 1048577 bytes/,
  },
};

for (const [name, { args = [], error, ...options }] of Object.entries(unusable)) {
  test(`input with ${name} is a failure`, async () => {
    const result = await verify(args, options);
    assert.equal(result.code, 2);
    assert.equal(result.ok, false);
    assert.match(result.error ?? "", error);
  });
}
