// The checks that run in every runtime: plain JavaScript, and nothing of any runtime but what they test.

/**
 * @typedef {typeof import("../../pkg/index.js")} Package
 * @typedef {{ text?: string, hex?: string, times?: number }} Part
 * @typedef {{ name: string, level: string, secrets: string[], body: Part[], signature: string | null, expect: any }} Vector
 * @typedef {{ signatures: Vector[], envelopes: Vector[] }} Vectors
 * @typedef {{ verdicts: string[], failures: string[] }} Report
 */

/** The sender's header, in a case that no runtime gives it. */
const header = "X-CRONOZEN-Signature";

const secret = "whsec_test";

/**
 * @param {Package} cronozen
 * @param {Vectors} vectors
 * @returns {Promise<Report>} all verdicts, to be compared between runtimes, and what was not as expected
 */
export async function check(cronozen, vectors) {
  const report = new Checks();
  for (const vector of vectors.signatures) {
    checkSignature(report, cronozen, vector);
  }
  for (const vector of vectors.envelopes) {
    checkEnvelope(report, cronozen, vector);
  }
  checkEvents(report, cronozen);
  checkArguments(report, cronozen);
  checkCap(report, cronozen);
  await checkRequests(report, cronozen);
  return { verdicts: report.verdicts, failures: report.failures };
}

class Checks {
  /** @type {string[]} */
  verdicts = [];
  /** @type {string[]} */
  failures = [];

  /** @param {string} name @param {unknown} found @param {unknown} expected */
  equal(name, found, expected) {
    this.verdicts.push(`${name}: ${found}`);
    if (!Object.is(found, expected)) {
      this.failures.push(`${name}: expected ${expected}, got ${found}`);
    }
  }

  /** @param {string} name @param {() => unknown} work @param {string} kind @param {string} [text] */
  throws(name, work, kind, text = "") {
    let found = "nothing";
    try {
      work();
    } catch (error) {
      const { name: its, message } = /** @type {Error} */ (error);
      found = message.includes(text) ? its : `${its}: ${message}`;
    }
    this.equal(name, found, kind);
  }
}

/**
 * The body of a vector.
 *
 * @param {Part[]} parts
 */
export function bytesOf(parts) {
  const pieces = parts.flatMap(({ text, hex = "", times = 1 }) => {
    const unit = text === undefined ? fromHex(hex) : new TextEncoder().encode(text);
    return Array(times).fill(unit);
  });
  const bytes = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** @param {string} digits */
function fromHex(digits) {
  return new Uint8Array((digits.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16)));
}

/** @param {Uint8Array} bytes */
function textOf(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** @param {Checks} report @param {Package} cronozen @param {Vector} vector */
function checkSignature(report, { Verifier, sign }, { name, secrets, body, signature, expect }) {
  const verifier = new Verifier(secrets);
  const bytes = bytesOf(body);
  const text = textOf(bytes);
  const headers = signature === null ? {} : { "content-type": "application/json", [header]: signature };
  for (const [form, raw] of Object.entries({ bytes, buffer: bytes.buffer, text })) {
    if (raw === undefined) {
      continue;
    }
    for (const [source, value] of Object.entries({ value: signature, headers })) {
      const result = verifier.check(raw, value);
      const code = result.ok || result.code === "invalid_event" ? "signed" : result.code;
      report.equal(`${name}, ${form}, ${source}`, code, expect.ok ? "signed" : expect.error);
      report.equal(`${name}, ${form}, ${source}, matches`, verifier.matches(raw, value), expect.ok);
      if (result.ok) {
        report.equal(`${name}, ${form}, key`, result.key, expect.key);
      }
    }
    if (expect.ok) {
      report.equal(`${name}, ${form}, sign`, sign(raw, secrets[expect.key] ?? ""), signature);
    }
  }
}

/** @param {Checks} report @param {Package} cronozen @param {Vector} vector */
function checkEnvelope(report, { Verifier }, { name, secrets, body, signature, expect }) {
  const verifier = new Verifier(secrets);
  const bytes = bytesOf(body);
  const text = textOf(bytes);
  for (const [form, raw] of Object.entries({ bytes, text })) {
    if (raw === undefined) {
      continue;
    }
    const result = verifier.check(raw, signature);
    report.equal(`${name}, ${form}`, result.ok ? "event" : result.code, expect.ok ? "event" : "invalid_event");
    if (result.ok) {
      report.equal(`${name}, ${form}, id`, result.event.eventId, expect.eventId);
      // Deep ones cannot be compared in this way.
      if (bytes.length < 5000) {
        report.equal(`${name}, ${form}, equal`, same(result.event, JSON.parse(String(text))), true);
      }
    } else {
      report.equal(`${name}, ${form}, status`, result.status, 400);
    }
  }
}

/** @param {Checks} report @param {Package} cronozen */
function checkEvents(report, { Verifier, VerificationError, sign }) {
  const verifier = new Verifier([secret]);
  const text =
    '{"eventId":"evt_1","big":9007199254740993,"zero":-0,"half":"\\ud800","__proto__":{"eventId":"x"},"b":1,"a":[1e400,"é🔒"],"b":2}';
  const event = verifier.verify(text, sign(text, secret));
  report.equal("an event is what JSON.parse makes of it", same(event, JSON.parse(text)), true);
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

/** @param {Checks} report @param {Package} cronozen */
function checkArguments(report, { Verifier, sign }) {
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
  // What a sender may name its other headers must not matter.
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
    ["empty", "", "empty"],
    ["space before", " whsec", "white space"],
    ["line break after", "whsec\n", "white space"],
    ["byte order mark", "\ufeffwhsec", "invisible"],
    ["NUL, the same key as an empty one", "\0", "invisible"],
    ["half a character", "whsec\ud800", "invisible"],
    ["one of two", ["whsec", "w hsec"], "position 1"],
    ["very many", Array(200_000).fill("whsec"), "1 to 8"],
    ["none", [], "1 to 8"],
    ["nine", Array(9).fill("whsec"), "1 to 8"],
    ["unset", undefined, "variable"],
    ["null", null, "got null"],
    ["an unset one", ["whsec", undefined], "secret 1, got undefined"],
    ["number", 1, "got number"],
  ])) {
    report.throws(`secret: ${name}`, () => new Verifier(bad), "TypeError", text);
  }
  // Lists of secrets that look alike when they are written down.
  report.equal("secrets: one with a comma", new Verifier(["a", "b"]).matches("{}", sign("{}", "a,b")), false);
  report.equal("secrets: two, not one with a comma", new Verifier("a,b").matches("{}", sign("{}", "b")), false);
  report.throws("sign: empty secret", () => sign("{}", ""), "TypeError", "empty");
  for (const [name, options] of /** @type {[string, any][]} */ ([
    ["zero", { maxBodyBytes: 0 }],
    ["too much", { maxBodyBytes: 2 ** 26 + 1 }],
    ["a fraction", { maxBodyBytes: 1.5 }],
    ["negative", { maxBodyBytes: -1 }],
    ["huge", { maxBodyBytes: 2 ** 32 + 100 }],
    ["text", { maxBodyBytes: "100" }],
    ["misspelt", { maxBodybytes: 100 }],
    ["null", null],
    ["a list", ["whsec"]],
  ])) {
    report.throws(`options: ${name}`, () => new Verifier(secret, options), "TypeError", "expected");
  }
}

/** @param {Checks} report @param {Package} cronozen */
function checkCap(report, { Verifier, sign }) {
  const mebibyte = 1024 * 1024;
  const standard = new Verifier(secret);
  const small = new Verifier(secret, { maxBodyBytes: 10 });
  const large = new Verifier(secret, { maxBodyBytes: 3 * mebibyte });
  for (const [
    name,
    verifier,
    body,
    expected,
  ] of /** @type {[string, import("../../pkg/index.js").Verifier, string, string][]} */ ([
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

/** @param {Checks} report @param {Package} cronozen */
async function checkRequests(report, { Verifier, sign }) {
  if (typeof Request === "undefined") {
    return;
  }
  const verifier = new Verifier(secret, { maxBodyBytes: 100 });
  const body = '{"eventId":"evt_1","type":"payment.completed"}';
  const long = JSON.stringify({ eventId: "evt_1", text: "x".repeat(100) });
  /** @param {any} content @param {string} signed */
  const post = (content, signed) =>
    new Request("http://localhost/", {
      method: "POST",
      body: content,
      headers: { [header]: sign(signed, secret) },
      // Node asks for it where the body is a stream.
      .../** @type {any} */ ({ duplex: "half" }),
    });
  const outcome = async (/** @type {Request} */ request) => {
    try {
      return (await verifier.receive(request)).eventId;
    } catch (error) {
      return /** @type {any} */ (error).code ?? /** @type {Error} */ (error).name;
    }
  };
  report.equal("request", await outcome(post(body, body)), "evt_1");
  report.equal("request, altered", await outcome(post(`${body} `, body)), "signature_mismatch");
  report.equal("request, empty", await outcome(post(null, body)), "signature_mismatch");
  report.equal("request, empty and signed", await outcome(post(null, "")), "invalid_event");
  report.equal("request, over the cap", await outcome(post(long, long)), "body_too_large");
  report.equal("request, streamed", await outcome(post(streamOf(body), body)), "evt_1");
  report.equal("request, streamed over the cap", await outcome(post(streamOf(long), long)), "body_too_large");
  const read = post(body, body);
  await read.text();
  report.equal("request, read before", await outcome(read), "TypeError");
  report.equal("no request", await outcome(/** @type {any} */ ({ headers: {}, body })), "TypeError");
}

/** @param {string} text */
function streamOf(text) {
  const bytes = new TextEncoder().encode(text);
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += 7) {
        controller.enqueue(bytes.slice(at, at + 7));
      }
      controller.close();
    },
  });
}

/**
 * Whether two values of JSON are the same, in the order of their keys and down to the sign of a zero.
 *
 * @param {any} one
 * @param {any} other
 * @returns {boolean}
 */
function same(one, other) {
  if (typeof one !== "object" || one === null || typeof other !== "object" || other === null) {
    return Object.is(one, other);
  }
  const keys = Object.keys(one);
  return (
    Object.getPrototypeOf(one) === Object.getPrototypeOf(other) &&
    keys.join("\0") === Object.keys(other).join("\0") &&
    keys.every((key) =>
      same(Object.getOwnPropertyDescriptor(one, key)?.value, Object.getOwnPropertyDescriptor(other, key)?.value),
    )
  );
}
