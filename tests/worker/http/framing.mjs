// Unusual lengths and transfer encodings.

import { chunk } from "../raw.mjs";

const chunked = "Transfer-Encoding: chunked\r\n";

/** The time for a body is 375 ms. */
const settings = { DEADLINE_MS: 1000 };

/** A whole chunked body. @param {string} body */
const inOneChunk = (body) => `${chunk(body)}0\r\n\r\n`;

/** The size of a body, as of a chunk. @param {string} body */
const size = (body) => Buffer.byteLength(body).toString(16);

/**
 * Cases of a `Content-Length`, from the right one.
 *
 * @param {((bytes: number) => string)[]} values
 * @returns {import("../http.test.mjs").Case[]}
 */
function withLengths(values) {
  return values.map((value) => [
    `Content-Length: ${value(81)}`,
    (delivery) => delivery.request({ length: `Content-Length: ${value(delivery.bytes)}\r\n` }),
  ]);
}

/**
 * Cases of a chunked body.
 *
 * @param {[name: string, framed: (body: string) => string][]} bodies
 * @returns {import("../http.test.mjs").Case[]}
 */
function withChunks(bodies) {
  return bodies.map(([name, framed]) => [
    name,
    (delivery) => delivery.framed(chunked, framed(delivery.body), { settings }),
  ]);
}

/**
 * Cases of header lines in front of a chunked body.
 *
 * @param {string[]} lines
 * @returns {import("../http.test.mjs").Case[]}
 */
function withEncodings(lines) {
  return lines.map((line) => [line, (delivery) => delivery.framed(`${line}\r\n`, inOneChunk(delivery.body))]);
}

/** @type {import("../http.test.mjs").Row[]} */
export const framing = [
  {
    sent: "a `Content-Length` that is no plain number, or 2^64 or more; two that differ",
    answers: ["400"],
    cases: withLengths([
      () => "-1",
      (bytes) => `-${bytes}`,
      (bytes) => `+${bytes}`,
      (bytes) => `${bytes}abc`,
      () => "1e3",
      () => "0x10",
      () => "",
      () => " ",
      (bytes) => `${bytes}.0`,
      (bytes) => `"${bytes}"`,
      (bytes) => `${bytes},${bytes}`,
      (bytes) => `${bytes} ${bytes}`,
      () => "٦",
      () => String(2n ** 64n),
      (bytes) => String(2n ** 64n + BigInt(bytes)),
      () => `1${"0".repeat(30)}`,
      (bytes) => `${bytes}\r\nContent-Length: ${bytes - 5}`,
      (bytes) => `${bytes - 5}\r\nContent-Length: ${bytes}`,
    ]),
  },
  {
    sent: "a `Content-Length` over `MAX_BODY_BYTES`, up to 2^63",
    answers: ["413 body_too_large"],
    cases: withLengths([
      () => "127001",
      () => String(2 ** 31),
      (bytes) => String(2 ** 32 + bytes),
      () => String(2 ** 53),
      () => String(2n ** 63n - 1n),
      () => String(2n ** 63n),
    ]),
  },
  {
    sent: "a `Content-Length` with zeros in front, or twice with the same value",
    answers: ["202 accepted"],
    cases: withLengths([
      (bytes) => `0${bytes}`,
      (bytes) => `${"0".repeat(30)}${bytes}`,
      (bytes) => `${bytes}\r\nContent-Length: ${bytes}`,
    ]),
  },
  {
    sent: "a `Content-Length` that is too small, or none: the rest of the body is taken for the next request",
    answers: ["401 invalid_signature", "400"],
    cases: [
      ["none", (delivery) => delivery.request({ length: "" })],
      ["0", (delivery) => delivery.request({ length: "Content-Length: 0\r\n" })],
      ["10 bytes less", (delivery) => delivery.request({ length: `Content-Length: ${delivery.bytes - 10}\r\n` })],
      [
        "a second delivery in the rest",
        (delivery, other) => [delivery.request({ length: "Content-Length: 5\r\n" }), other.request()],
      ],
    ],
  },
  {
    sent: "a second request within the declared length: it is a part of the body",
    answers: ["401 invalid_signature"],
    cases: [
      [
        "by Content-Length",
        (delivery, other) => {
          const bytes = delivery.bytes + other.request().length;
          return [delivery.request({ length: `Content-Length: ${bytes}\r\n` }), other.request()];
        },
      ],
      [
        "by a chunk",
        (delivery, other) => delivery.framed(chunked, inOneChunk(delivery.body + other.request().toString())),
      ],
      [
        "as the whole body",
        (delivery, other) => {
          const body = other.request();
          return [delivery.head({ length: `Content-Length: ${body.length}\r\n` }), body];
        },
      ],
    ],
  },
  {
    sent: "`Transfer-Encoding: chunked` and a `Content-Length`: the chunks count, and the connection is closed",
    answers: ["202 accepted"],
    cases: [
      [
        "the length first",
        (delivery, other) => [
          delivery.framed(`Content-Length: ${delivery.bytes}\r\n${chunked}`, inOneChunk(delivery.body)),
          other.request(),
        ],
      ],
      [
        "the length last",
        (delivery, other) => [
          delivery.framed(`${chunked}Content-Length: ${delivery.bytes}\r\n`, inOneChunk(delivery.body)),
          other.request(),
        ],
      ],
      [
        "the length ends before a second delivery",
        (delivery, other) => [
          delivery.framed(
            `Content-Length: ${inOneChunk(delivery.body).length}\r\n${chunked}`,
            inOneChunk(delivery.body),
          ),
          other.request(),
        ],
      ],
      [
        "the length covers a second delivery",
        (delivery, other) => {
          const framed = inOneChunk(delivery.body) + other.request().toString();
          return delivery.framed(`Content-Length: ${framed.length}\r\n${chunked}`, framed);
        },
      ],
    ],
  },
  {
    sent: "a `Transfer-Encoding` that ends with `chunked`, such as `gzip, chunked`: nothing is decompressed",
    answers: ["202 accepted"],
    cases: withEncodings([
      "Transfer-Encoding: chunked",
      "tRANSFER-eNCODING: CHUNKED",
      "Transfer-Encoding: \tchunked ",
      "Transfer-Encoding: gzip, chunked",
      "Transfer-Encoding: chunked, chunked",
      "Transfer-Encoding: ,chunked",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
      "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    ]),
  },
  {
    sent: "another `Transfer-Encoding`; a chunked body with HTTP/1.0",
    answers: ["400"],
    cases: [
      ...withEncodings([
        "Transfer-Encoding:",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: chunked,",
        "Transfer-Encoding: chunked;q=1",
        'Transfer-Encoding: "chunked"',
        "Transfer-Encoding: chunked\x0b",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding:\r\n chunked",
      ]),
      ["identity, and a length", (delivery) => delivery.request({ extra: "Transfer-Encoding: identity\r\n" })],
      [
        "HTTP/1.0",
        (delivery) =>
          delivery.framed(chunked, inOneChunk(delivery.body), { line: "POST /webhooks/cronozen HTTP/1.0\r\n" }),
      ],
    ],
  },
  {
    sent: "chunks of one byte, sizes with zeros in front or an extension, trailers",
    answers: ["202 accepted"],
    cases: withChunks([
      ["one byte", (body) => `${[...body].map(chunk).join("")}0\r\n\r\n`],
      ["upper case", (body) => `${size(body).toUpperCase()}\r\n${body}\r\n0\r\n\r\n`],
      ["zeros", (body) => `${"0".repeat(20)}${size(body)}\r\n${body}\r\n000\r\n\r\n`],
      ["a space", (body) => `${size(body)} \r\n${body}\r\n0\r\n\r\n`],
      ["extensions", (body) => `${size(body)};a="b;c"\r\n${body}\r\n0;x\r\n\r\n`],
      ["a trailer", (body) => `${chunk(body)}0\r\nX-Trailer: 1\r\n\r\n`],
    ]),
  },
  {
    sent: "a chunk with a size that is wrong or no hexadecimal number, without its CRLF, or with an extension of 1 MiB",
    answers: ["408 body_timeout"],
    cases: [
      ...withChunks([
        ["negative", (body) => `-${size(body)}\r\n${body}\r\n0\r\n\r\n`],
        ["plus", (body) => `+${size(body)}\r\n${body}\r\n0\r\n\r\n`],
        ["0x", (body) => `0x${size(body)}\r\n${body}\r\n0\r\n\r\n`],
        ["none", (body) => `\r\n${body}\r\n0\r\n\r\n`],
        ["no digit", (body) => `zz\r\n${body}\r\n0\r\n\r\n`],
        ["2^64 - 1", (body) => `ffffffffffffffff\r\n${body}\r\n0\r\n\r\n`],
        ["2^64 more", (body) => `1${size(body).padStart(16, "0")}\r\n${body}\r\n0\r\n\r\n`],
        ["too small", (body) => `${(body.length - 4).toString(16)}\r\n${body}\r\n0\r\n\r\n`],
        ["no CRLF after the data", (body) => `${size(body)}\r\n${body}0\r\n\r\n`],
        ["line feeds", (body) => `${size(body)}\n${body}\n0\n\n`],
        ["carriage returns", (body) => `${size(body)}\r${body}\r0\r\r`],
        ["an extension of 1 MiB", (body) => `${size(body)};a=${"x".repeat(1024 * 1024)}\r\n${body}\r\n0\r\n\r\n`],
      ]),
      ["no chunks at all", (delivery) => delivery.request({ extra: chunked })],
    ],
  },
  {
    sent: "a body that stops before its end, or comes too slowly: after 3/8 of `DEADLINE_MS`",
    answers: ["408 body_timeout"],
    cases: [
      [
        "a byte is missing",
        (delivery) => delivery.request({ length: `Content-Length: ${delivery.bytes + 1}\r\n`, settings }),
      ],
      ["most are missing", (delivery) => delivery.request({ length: "Content-Length: 100000\r\n", settings })],
      ["no byte comes", (delivery) => delivery.head({ settings })],
      ["the last chunk is missing", (delivery) => delivery.framed(chunked, chunk(delivery.body), { settings })],
      ["half of a chunk", (delivery) => delivery.framed(chunked, "ff\r\nabc", { settings })],
      ["half of a size", (delivery) => delivery.framed(chunked, "f", { settings })],
      [
        "chunks of one byte without end",
        (delivery) => [delivery.head({ length: chunked, settings }), { again: chunk("x"), pauseMs: 10 }],
      ],
      [
        "an extension without end",
        (delivery) => [delivery.head({ length: chunked, settings }), "1;", { again: "x", pauseMs: 10 }],
      ],
      [
        "trailers without end",
        (delivery) => [
          delivery.framed(chunked, `${chunk(delivery.body)}0\r\n`, { settings }),
          { again: "X: y\r\n", pauseMs: 10 },
        ],
      ],
    ],
  },
  {
    sent: "a body without end, beyond `MAX_BODY_BYTES`",
    answers: ["413 body_too_large"],
    cases: [
      [
        "chunks of one byte",
        (delivery) => [
          delivery.head({ length: chunked, settings: { MAX_BODY_BYTES: 2048 } }),
          { again: chunk("x").repeat(500), pauseMs: 1 },
        ],
      ],
      [
        "large chunks",
        (delivery) => [delivery.head({ length: chunked }), { again: chunk("x".repeat(20_000)), pauseMs: 1 }],
      ],
      [
        "with a small length",
        (delivery) => [
          delivery.head({ length: `Content-Length: 10\r\n${chunked}` }),
          { again: chunk("x".repeat(20_000)), pauseMs: 1 },
        ],
      ],
    ],
  },
];
