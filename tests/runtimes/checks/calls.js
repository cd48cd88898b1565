// Events, arguments and the cap.

import { header, same, secret } from "./report.js";

/** @typedef {import("./report.js").Checks} Checks */

/** @param {Checks} report @param {import("../checks.js").Package} cronozen */
export function checkEvents(report, { is, Verifier, VerificationError, sign }) {
  const verifier = new Verifier([secret]);
  for (const [text, expected] of /** @type {[string, boolean][]} */ ([
    ['{"eventId":"e","type":"payment.completed"}', true],
    ['{"eventId":"e","type":"payment.failed","event":"payment.completed"}', false],
    ['{"eventId":"e","type":1,"event":"payment.completed"}', true],
    ['{"eventId":"e","eventType":"payment.completed"}', true],
    ['{"eventId":"e","__proto__":{"type":"payment.completed"}}', false],
    ['{"eventId":"e"}', false],
  ])) {
    report.equal(`is: ${text}`, is(verifier.verify(text, sign(text, secret)), "payment.completed"), expected);
  }
  const text =
    '{"eventId":"evt_1","big":9007199254740993,"zero":-0,"half":"\\ud800","__proto__":{"eventId":"x"},"b":1,"a":[1e400,"é🔒"],"b":2}';
  const event = verifier.verify(text, sign(text, secret));
  report.equal("an event equals the result of JSON.parse", same(event, JSON.parse(text)), true);
  report.equal("its prototype is untouched", Object.getPrototypeOf(event), Object.prototype);
  report.equal(
    "an event of bytes",
    same(verifier.verify(new TextEncoder().encode(text), sign(text, secret)), event),
    true,
  );
  report.equal(
    "printed",
    `${verifier} ${JSON.stringify({ verifier })}`,
    'Verifier(redacted) {"verifier":"Verifier(redacted)"}',
  );
  try {
    verifier.verify(`${text} `, sign(text, secret));
    report.equal("an altered body", "accepted", "refused");
  } catch (error) {
    const refused = error instanceof VerificationError ? error : undefined;
    report.equal(
      "an altered body",
      `${refused?.name} ${refused?.code} ${refused?.status}`,
      "VerificationError signature_mismatch 401",
    );
    report.equal(
      "holds no secret and no body",
      String(refused?.stack).includes(secret) || String(refused).includes("evt_1"),
      false,
    );
  }
}

/** @param {Checks} report @param {import("../checks.js").Package} cronozen */
export async function checkAsynchronous(report, { Verifier, sign }) {
  const verifier = new Verifier(secret);
  // Short enough for the instance alone, and long enough for Web Crypto wherever it is used.
  for (const length of [0, 100_000]) {
    const text = JSON.stringify({ eventId: "evt_1", text: "é".repeat(length) });
    const good = sign(text, secret);
    const event = await verifier.verifyAsync(text, { [header]: good });
    report.equal(`${length}: an event, later`, same(event, JSON.parse(text)), true);
    const bytes = new TextEncoder().encode(text);
    const checked = verifier.checkAsync(bytes, good);
    const matched = verifier.matchesAsync(bytes.slice(), good);
    bytes.fill(0x20);
    const result = await checked;
    report.equal(`${length}: an event of bytes that change`, result.ok && same(result.event, JSON.parse(text)), true);
    report.equal(`${length}: a match, later`, await matched, true);
    report.equal(`${length}: no match, later`, await verifier.matchesAsync(`${text} `, good), false);
    report.equal(
      `${length}: refused, later`,
      await refusalOf(verifier.verifyAsync(`${text} `, good)),
      "signature_mismatch",
    );
  }
  const capped = new Verifier(secret, { maxBodyBytes: 10 });
  report.equal("too large, later", await refusalOf(capped.verifyAsync("x".repeat(100_000), "")), "body_too_large");
  const parsed = /** @type {any} */ ({ eventId: "evt_1" });
  report.equal("a parsed body, later", await refusalOf(verifier.verifyAsync(parsed, "")), "TypeError");
}

/** @param {Promise<unknown>} promise */
async function refusalOf(promise) {
  try {
    await promise;
    return "accepted";
  } catch (error) {
    const { name, code = name } = /** @type {any} */ (error);
    return code;
  }
}

/** @param {Checks} report @param {import("../checks.js").Package} cronozen */
export function checkArguments(report, { Verifier, sign }) {
  const verifier = /** @type {any} */ (new Verifier(secret));
  const good = sign("{}", secret);
  const bodies = { eventId: "evt_1" };
  for (const [name, body] of Object.entries({
    parsed: bodies,
    number: 1,
    none: undefined,
    null: null,
    array: [1],
    promise: Promise.resolve(""),
  })) {
    report.throws(`body: ${name}`, () => verifier.check(body, good), "TypeError", "express.raw");
  }
  for (const [name, value] of Object.entries({
    number: 1,
    map: new Map([["x-cronozen-signature", good]]),
    set: new Set([good]),
    "weak map": new WeakMap(),
    promise: Promise.resolve({}),
    bytes: new TextEncoder().encode(good),
    "boxed string": new String(good),
    "an object of a class": new (class {
      headers = {};
    })(),
    nested: { [header]: 1 },
  })) {
    report.throws(`signature: ${name}`, () => verifier.check("{}", value), "TypeError", "x-cronozen-signature");
  }
  const missing = { undefined: undefined, null: null, "no headers": {}, "an unset header": { [header]: undefined } };
  for (const [name, value] of Object.entries(missing)) {
    report.equal(`signature: ${name}`, verifier.check("{}", value).code, "signature_missing");
  }
  const twice = { [header]: good, "x-cronozen-signature": good };
  report.equal("signature: twice", verifier.check("{}", twice).code, "signature_malformed");
  report.equal("signature: a bare list", verifier.matches("{}", [good]), true);
  report.equal("signature: an empty list", verifier.check("{}", []).code, "signature_missing");
  // The names of other headers must not matter.
  for (const other of ["headers", "get", "key", "text", "length", "__proto__", "constructor", "toString"]) {
    const headers = Object.fromEntries([
      [other, ["x"]],
      [header, [good]],
    ]);
    report.equal(`signature: beside ${other}`, verifier.matches("{}", headers), true);
    report.equal(`signature: none beside ${other}`, verifier.check("{}", { [other]: "x" }).code, "signature_missing");
  }
  report.equal("signature: a list of one", verifier.matches("{}", { [header]: [good] }), true);
  report.equal(
    "signature: a list of two",
    verifier.check("{}", { [header]: [good, good] }).code,
    "signature_malformed",
  );
  report.equal("signature: long", verifier.check("{}", good.repeat(1000)).code, "signature_malformed");
  report.equal(
    "body: a view of a part",
    verifier.matches(new DataView(new TextEncoder().encode("x{}x").buffer, 1, 2), good),
    true,
  );
  for (const [name, bad, text] of /** @type {[string, any, string][]} */ ([
    ["empty", "", "is empty or blank: is the environment variable CRONOZEN_SIGNING_SECRET set?"],
    ["white space alone", " \n", "is empty or blank"],
    ["space before", " whsec", "secret at position 0 starts or ends with white space: use .trim()"],
    ["line break after", "whsec\n", "secret at position 0 starts or ends with white space: use .trim()"],
    ["two in one string", "whsec_new whsec_old", "white space: if it is several secrets, use .trim().split(/\\s+/)"],
    ["quoted", '"whsec"', "starts or ends with a quotation mark: remove the quotation marks"],
    ["a zero-width space", "whsec\u200b", "invisible"],
    ["byte order mark", "\ufeffwhsec", "invisible"],
    ["NUL, the same key as an empty one", "\0", "invisible"],
    ["half a character", "whsec\ud800", "invisible"],
    ["one of two", ["whsec", "w hsec"], "position 1"],
    ["very many", Array(200_000).fill("whsec"), "1 to 8"],
    ["none", [], "(1 to 8 are allowed): is the environment variable CRONOZEN_SIGNING_SECRET set?"],
    ["nine", Array(9).fill("whsec"), "1 to 8"],
    [
      "unset",
      undefined,
      "secret at position 0 is undefined, not a string: is the environment variable CRONOZEN_SIGNING_SECRET set?",
    ],
    [
      "null",
      null,
      "secret at position 0 is null, not a string: is the environment variable CRONOZEN_SIGNING_SECRET set?",
    ],
    ["an unset one", ["whsec", undefined], "secret at position 1 is undefined"],
    ["number", 1, "secret at position 0 is number"],
  ])) {
    report.throws(`secret: ${name}`, () => new Verifier(bad), "TypeError", text);
  }
  // Lists of secrets that look alike when they are joined.
  report.equal("secrets: one with a comma", new Verifier(["a", "b"]).matches("{}", sign("{}", "a,b")), false);
  report.equal("secrets: two, not one with a comma", new Verifier("a,b").matches("{}", sign("{}", "b")), false);
  report.throws("sign: empty secret", () => sign("{}", ""), "TypeError", "empty");
  for (const [name, options, text] of /** @type {[string, any, string][]} */ ([
    ["zero", { maxBodyBytes: 0 }, "maxBodyBytes out of range: 0"],
    ["too much", { maxBodyBytes: 2 ** 26 + 1 }, "maxBodyBytes out of range: 67108865"],
    ["a fraction", { maxBodyBytes: 1.5 }, "maxBodyBytes not a whole number"],
    ["negative", { maxBodyBytes: -1 }, "maxBodyBytes not a whole number"],
    ["huge", { maxBodyBytes: 2 ** 32 + 100 }, "maxBodyBytes not a whole number"],
    ["text", { maxBodyBytes: "100" }, "maxBodyBytes not a number: got string"],
    ["an unknown backend", { backend: "fast" }, "unknown backend (known: wasm, native, subtle)"],
    ["no backend", { backend: null }, "unknown backend"],
    ["misspelt", { maxBodybytes: 100 }, "unknown option maxBodybytes (known: maxBodyBytes, backend)"],
    ["null", null, "options not an object: got null"],
    ["a list", ["whsec"], "options not an object: got Array"],
  ])) {
    report.throws(`options: ${name}`, () => new Verifier(secret, options), "TypeError", text);
  }
}

/** A refusal says which mistake was made. @param {Checks} report @param {import("../checks.js").Package} cronozen */
export function checkMistakes(report, { Verifier, sign }) {
  const verifier = new Verifier(secret);
  const good = sign("{}", secret);
  const bytes = good.match(/../g)?.map((pair) => String.fromCharCode(Number.parseInt(pair, 16))) ?? [];
  for (const [name, signature, message] of /** @type {[string, string | undefined, string][]} */ ([
    ["missing", undefined, "signature header missing: expected x-cronozen-signature"],
    ["prefixed", `sha256=${good}`, "signature malformed: starts with a prefix such as sha256="],
    ["empty", "", "signature malformed: empty"],
    ["in quotes", `"${good}"`, "signature malformed: surrounded by white space or quotation marks"],
    ["base64", btoa(bytes.join("")), "signature malformed: base64 of 32 bytes"],
    ["upper case", good.toUpperCase(), "signature malformed: upper-case hexadecimal digits"],
    ["cut off", good.slice(1), "signature malformed: 63 bytes (64 lowercase hexadecimal digits are expected)"],
    [
      "of another secret",
      sign("{}", "whsec_other"),
      "signature mismatch: no active secret matches the body. Usual causes: another secret, another registration's secret, a body that was parsed and serialised again, an added newline (see ",
    ],
  ])) {
    const result = verifier.check("{}", signature);
    report.equal(`mistake: ${name}`, result.ok ? "" : result.message.slice(0, message.length), message);
  }
}

/** @param {Checks} report @param {import("../checks.js").Package} cronozen */
export function checkCap(report, { Verifier, sign }) {
  const mebibyte = 1024 * 1024;
  const standard = new Verifier(secret);
  const small = new Verifier(secret, { maxBodyBytes: 10 });
  const large = new Verifier(secret, { maxBodyBytes: 3 * mebibyte });
  for (const [
    name,
    verifier,
    body,
    expected,
  ] of /** @type {[string, import("cronozen-edge").Verifier, string, string][]} */ ([
    ["1 MiB", standard, "x".repeat(mebibyte), "invalid_event"],
    ["a byte more", standard, "x".repeat(mebibyte + 1), "body_too_large"],
    ["10 bytes", small, "x".repeat(10), "invalid_event"],
    ["11 bytes", small, "x".repeat(11), "body_too_large"],
    ["12 bytes in 6 units", small, "é".repeat(6), "body_too_large"],
    ["3 MiB", large, "x".repeat(3 * mebibyte), "invalid_event"],
    ["after memory has grown", small, "y".repeat(10), "invalid_event"],
  ])) {
    const signature = sign(body, secret);
    for (const [form, raw] of Object.entries({ text: body, bytes: new TextEncoder().encode(body) })) {
      const result = verifier.check(raw, signature);
      report.equal(`cap: ${name}, ${form}`, result.ok ? "event" : result.code, expected);
      report.equal(`cap: ${name}, ${form}, matches`, verifier.matches(raw, signature), expected === "invalid_event");
    }
  }
}
