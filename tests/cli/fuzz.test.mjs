// Random captures, arguments and secrets for the command line: exit code 0, 1 or 2, no stack, no secret. The readers of a capture
// are called in this process, because a process for each input would take too long.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { readRequest, withoutStart } from "../../pkg/src/cli/capture.ts";
import { isCurl, readCurl } from "../../pkg/src/cli/curl.ts";
import { assertHolds, patience, text } from "../support/fuzz.mjs";
import { runCli } from "./cli.mjs";
import { body, request, secret, sign } from "./verify.mjs";

const right = request(body, sign(body), ["Content-Length: 10", "Transfer-Encoding: chunked"]).toString("latin1");
const curl = `curl 'https://example.com' -H 'X-Cronozen-Signature: ${sign(body)}' --data-binary $'${body}\\u00e9\\x41\\101'`;

/** A capture with a part replaced by another one. */
const capture = fc
  .tuple(
    fc.constantFrom(
      right,
      curl,
      right.replaceAll("\r\n", "\n"),
      `\ufeff${right}`,
      "curl -d @- -H x",
      "HTTP/1.1 200 OK\n\n",
    ),
    fc.nat(),
    fc.nat(30),
    fc.oneof(
      text,
      fc.constantFrom("'", '"', "\\", "$'\\x", "$(id)", "\n\n", ": ", "-F a=b", "--data-raw", "-H", "\\u", "%0a"),
    ),
    fc.boolean(),
  )
  .map(([whole, at, length, part, changes]) => {
    const start = at % (whole.length + 1);
    return changes ? whole.slice(0, start) + part + whole.slice(start + length) : whole;
  });
const bytes = fc.oneof(
  capture.map((any) => Buffer.from(any, "latin1")),
  capture.map((any) => Buffer.from(any)),
  fc.uint8Array({ maxLength: 400 }).map((any) => Buffer.from(any)),
);

test("any capture is read, or refused with a sentence", async () => {
  let read = 0;
  await assertHolds(
    5000,
    fc.property(bytes, (input) => {
      try {
        const rest = withoutStart(input);
        const { body, signature, notes } = isCurl(rest) ? readCurl(rest) : readRequest(rest);
        assert.ok(body instanceof Uint8Array && (signature === undefined || typeof signature === "string"));
        assert.ok(notes.every((note) => note.endsWith(".")));
        read += 1;
      } catch (error) {
        assert.equal(/** @type {Error} */ (error).name, "Failure", String(error));
      }
    }),
  );
  assert.ok(read > 1000, `${read} read`);
});

/** @param {{ code: number | null, stdout: string, stderr: string }} result */
function assertPlain({ code, stdout, stderr }) {
  assert.ok([0, 1, 2].includes(Number(code)), `exit code ${code}`);
  assert.doesNotMatch(stdout + stderr, /\n\s+at |unexpected failure|node:internal|TypeError|RangeError/);
  assert.ok(code === 2 ? stderr !== "" || stdout.startsWith("{") : stdout !== "");
}

/** A process can have no NUL in its arguments or its environment. */
const argument = text.map((any) => any.replaceAll("\0", "").slice(0, 300));

test("any capture, option and secret end with a documented exit code", patience, async () => {
  // No command that would reach a host, or start a server.
  const command = fc.oneof(
    { weight: 3, arbitrary: fc.constant("verify") },
    fc.constantFrom("--version", "--help", "nothing"),
    argument.map((any) => `x${any}`),
  );
  const options = fc.array(
    fc.oneof(fc.constantFrom("--json", "--body", "--signature", "-", "--", "--help", "--body=-"), argument),
    { maxLength: 4 },
  );
  await assertHolds(
    40,
    fc.asyncProperty(
      command,
      options,
      bytes,
      fc.oneof(fc.constant(secret), argument),
      async (command, options, input, key) => {
        // In a short one, the output could hold it by chance.
        const secrets =
          key.trim().length < 16 || key.startsWith("xxx")
            ? { CRONOZEN_SIGNING_SECRET: secret }
            : { CRONOZEN_SIGNING_SECRET: key };
        assertPlain(await runCli([command, ...options], { input: /** @type {any} */ (input), secrets }));
      },
    ),
  );
});
