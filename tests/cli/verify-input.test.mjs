// The input of `verify`: raw requests, curl commands, a body alone, and what is none of these.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { scratchFolder } from "./cli.mjs";
import { body, event, newSecret, request, secret, sign, verify } from "./verify.mjs";

test("a right request is verified, from a file and from standard input", async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, "request.txt"), request(body, sign(body)));
  const bytes = Buffer.byteLength(body);
  const wanted = { code: 0, ok: true, verified: 0, secrets: 1, bytes, findings: [], notes: [], codes: [] };
  assert.deepEqual(await verify(["request.txt"], { folder }), wanted);
  assert.deepEqual(await verify([], { input: request(body, sign(body)) }), wanted);
  assert.deepEqual(await verify(["-"], { input: request(body, sign(body)) }), wanted);
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
  "a body on a line of its own": `curl https://example.com \\\n  ${header} \\\n  --data-binary \\\n    '${body}'`,
  "unquoted Korean": `curl https://example.com/전정 ${header} --data-binary '${body}'`,
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
