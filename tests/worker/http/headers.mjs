// Unusual header lines.

import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { sign } from "../../../scripts/delivery.mjs";
import { secret } from "../gateway.mjs";
import { chunk, signatureLine } from "../raw.mjs";

const kibibyte = 1024;

const encodings = /** @type {const} */ ([
  ["gzip", gzipSync],
  ["deflate", deflateSync],
  ["br", brotliCompressSync],
]);

/**
 * Cases whose signature line has another value.
 *
 * @param {[name: string, change: (signature: string) => string][]} changes
 * @returns {import("../http.test.mjs").Case[]}
 */
function withValues(changes) {
  return changes.map(([name, change]) => [
    name,
    (delivery) => delivery.request({ signature: signatureLine(change(delivery.signature)) }),
  ]);
}

/**
 * Cases that have further lines.
 *
 * @param {[name: string, extra: string][]} lines
 * @returns {import("../http.test.mjs").Case[]}
 */
function withLines(lines) {
  return lines.map(([name, extra]) => [name, (delivery) => delivery.request({ extra })]);
}

/**
 * Cases of a compressed body, whose signature is of the bytes that `signed` returns.
 *
 * @param {(plain: string, compressed: Buffer) => string | Buffer} signed
 * @returns {import("../http.test.mjs").Case[]}
 */
function compressed(signed) {
  return encodings.map(([name, compress]) => [
    name,
    (delivery) => {
      const body = compress(Buffer.from(delivery.body));
      const signature = signatureLine(sign(signed(delivery.body, body), secret));
      return delivery.request({ body, signature, extra: `Content-Encoding: ${name}\r\n` });
    },
  ]);
}

const forgery = sign("other", secret);

/** @type {import("../http.test.mjs").Row[]} */
export const headers = [
  {
    sent: "the signature header twice, or two values in one",
    answers: ["401 invalid_signature"],
    cases: [
      ...withValues([
        ["the right one twice", (right) => `${right}\r\nX-Cronozen-Signature: ${right}`],
        ["the right one first", (right) => `${right}\r\nX-Cronozen-Signature: ${forgery}`],
        ["the right one last", (right) => `${forgery}\r\nX-Cronozen-Signature: ${right}`],
        ["another case of the name", (right) => `${forgery}\r\nx-cronozen-SIGNATURE: ${right}`],
        ["an empty one first", (right) => `\r\nX-Cronozen-Signature: ${right}`],
        ["an empty one last", (right) => `${right}\r\nX-Cronozen-Signature:`],
        ["a comma", (right) => `${right},${right}`],
        ["a comma and a space", (right) => `${forgery}, ${right}`],
        ["a comma at the end", (right) => `${right},`],
      ]),
    ],
  },
  {
    sent: "no signature, or it is not the plain value: empty, with `sha256=`, in upper case, with other characters",
    answers: ["401 invalid_signature"],
    cases: [
      ["none", (delivery) => delivery.request({ signature: "" })],
      [
        "a name with underscores",
        (delivery) => delivery.request({ signature: `X_Cronozen_Signature: ${delivery.signature}\r\n` }),
      ],
      [
        "in a trailer",
        (delivery) => [
          delivery.framed(
            "Transfer-Encoding: chunked\r\n",
            `${chunk(delivery.body)}0\r\n${signatureLine(delivery.signature)}\r\n`,
            { signature: "" },
          ),
        ],
      ],
      [
        "the right one in a trailer, another in the head",
        (delivery) => [
          delivery.framed(
            "Transfer-Encoding: chunked\r\n",
            `${chunk(delivery.body)}0\r\n${signatureLine(delivery.signature)}\r\n`,
            { signature: signatureLine(forgery) },
          ),
        ],
      ],
      ...withValues([
        ["empty", () => ""],
        ["white space", () => " \t "],
        ["upper case", (right) => right.toUpperCase()],
        ["one letter in upper case", (right) => right.replace(/[a-f]/, (letter) => letter.toUpperCase())],
        ["sha256=", (right) => `sha256=${right}`],
        ["v1=", (right) => `t=1,v1=${right}`],
        ["quotation marks", (right) => `"${right}"`],
        ["a space in it", (right) => `${right.slice(0, 32)} ${right.slice(32)}`],
        ["a vertical tab", (right) => `\x0b${right}`],
        ["a control character", (right) => `${right}\x01`],
        ["a space without a break", (right) => `\xa0${right}`],
        ["a letter beyond ASCII", (right) => `é${right.slice(1)}`],
        ["full-width digits", (right) => right.replace(/\d/, "１")],
        ["8 KiB", () => "a".repeat(8 * kibibyte)],
        ["64 KiB", () => "a".repeat(64 * kibibyte)],
        ["the right one, and 64 KiB", (right) => right + "0".repeat(64 * kibibyte)],
      ]),
      [
        "a byte beyond ASCII",
        (delivery) => [
          Buffer.from(delivery.head({ signature: signatureLine(`${delivery.signature}\xff`) }), "latin1"),
          delivery.body,
        ],
      ],
    ],
  },
  {
    sent: "the name of the signature header in another case, or white space around its value",
    answers: ["202 accepted"],
    cases: [
      ["lower case", (delivery) => delivery.request({ signature: `x-cronozen-signature: ${delivery.signature}\r\n` })],
      ["upper case", (delivery) => delivery.request({ signature: `X-CRONOZEN-SIGNATURE: ${delivery.signature}\r\n` })],
      ["no space", (delivery) => delivery.request({ signature: `X-Cronozen-Signature:${delivery.signature}\r\n` })],
      ...withValues([["white space", (right) => ` \t ${right} \t `]]),
    ],
  },
  {
    sent: "a header line that is folded, has no colon, no name or a space in it, a NUL or a carriage return alone",
    answers: ["400"],
    cases: [
      ...withValues([
        ["a folded signature", (right) => `\r\n ${right}`],
        ["a signature in two halves", (right) => `${right.slice(0, 32)}\r\n ${right.slice(32)}`],
        ["a NUL after the signature", (right) => `${right}\0`],
        ["a carriage return after the signature", (right) => `${right}\rX: `],
      ]),
      [
        "the signature behind a carriage return",
        (delivery) => delivery.request({ signature: `X: a\rX-Cronozen-Signature: ${delivery.signature}\r\n` }),
      ],
      [
        "a space before the colon",
        (delivery) => delivery.request({ signature: `X-Cronozen-Signature : ${delivery.signature}\r\n` }),
      ],
      ["a space before the first name", (delivery) => delivery.request({ host: " Host: gateway\r\n" })],
      ...withLines([
        ["another line is folded", "X-Other: a\r\n b\r\n"],
        ["a NUL in another line", "X-Other: a\0b\r\n"],
        ["no colon", "abc\r\n"],
        ["no name", ": x\r\n"],
        ["a space in a name", "X Other: x\r\n"],
        ["a control character in a name", "a\x01: x\r\n"],
        ["a name beyond ASCII", "é: x\r\n"],
      ]),
    ],
  },
  {
    sent: "other control characters, and characters beyond ASCII, in the value of another header",
    answers: ["202 accepted"],
    cases: [
      ...withLines([
        ["control characters", "X-Other: a\x01\x07\x1b\x7f\r\n"],
        ["UTF-8", "X-Other: é🔒\r\n"],
        ["an id and an address that break out of JSON", 'CF-Ray: "},{"\r\nX-Forwarded-For: \\u0000\r\n'],
        ["names of JavaScript", "__proto__: x\r\nconstructor: y\r\ntoString: z\r\n"],
      ]),
      [
        "Latin-1",
        (delivery) => [Buffer.from(delivery.head({ extra: "X-Other: \xe9\xff\r\n" }), "latin1"), delivery.body],
      ],
    ],
  },
  {
    sent: "10,000 headers, a value of 256 KiB, a name of 60 KiB",
    answers: ["202 accepted"],
    cases: withLines([
      ["10,000 names", Array.from({ length: 10_000 }, (_, number) => `H${number}: v\r\n`).join("")],
      ["10,000 times a name", "H: v\r\n".repeat(10_000)],
      ["a value", `X-Other: ${"a".repeat(256 * kibibyte)}\r\n`],
      ["a name", `${"a".repeat(60 * kibibyte)}: x\r\n`],
    ]),
  },
  {
    sent: "a value of 1 MiB, a name of 64 KiB, a first line of 1 MiB",
    answers: ["431"],
    cases: [
      ...withValues([["a signature", () => "a".repeat(1024 * kibibyte)]]),
      ...withLines([
        ["a value", `X-Other: ${"a".repeat(1024 * kibibyte)}\r\n`],
        ["a name", `${"a".repeat(64 * kibibyte)}: x\r\n`],
      ]),
      ["a first line", (delivery) => delivery.request({ line: `POST /${"a".repeat(1024 * kibibyte)} HTTP/1.1\r\n` })],
      ["a first line without an end", () => "A".repeat(1024 * kibibyte)],
    ],
  },
  {
    sent: "no `Content-Type`, another one, or two: the signature alone counts",
    answers: ["202 accepted"],
    cases: [
      "",
      "Content-Type:\r\n",
      "Content-Type: ;;;\r\n",
      "Content-Type: text/plain\r\n",
      "Content-Type: application/x-www-form-urlencoded\r\n",
      "Content-Type: multipart/form-data; boundary=x\r\n",
      "Content-Type: application/json; charset=utf-16\r\n",
      "Content-Type: application/json\r\nContent-Type: text/html\r\n",
    ].map((type) => [type, (delivery) => delivery.request({ type })]),
  },
  {
    sent: "`Content-Encoding` with a body that is not compressed: the header is ignored",
    answers: ["202 accepted"],
    cases: withLines(
      ["gzip", "deflate", "br", "zstd", "identity", "unknown", "", "gzip, gzip"].map((value) => [
        value,
        `Content-Encoding: ${value}\r\n`,
      ]),
    ),
  },
  {
    sent: "a compressed body with the signature of the compressed bytes: it is not decompressed, so it is not JSON",
    answers: ["400 invalid_event"],
    cases: compressed((_, body) => body),
  },
  {
    sent: "a compressed body with the signature of the text",
    answers: ["401 invalid_signature"],
    cases: compressed((plain) => plain),
  },
  {
    sent: "headers that ask for another method, path or answer: `X-HTTP-Method-Override`, `Range`, `If-None-Match`, …",
    answers: ["202 accepted"],
    cases: withLines(
      [
        "X-HTTP-Method-Override: GET",
        "X-Original-URL: /healthz",
        "X-Rewrite-URL: /healthz",
        "X-Forwarded-Host: other.example",
        "Range: bytes=0-1",
        "If-None-Match: *",
        "If-Match: x",
        "Accept: text/html;q=0",
        "Max-Forwards: 0",
      ].map((line) => [line, `${line}\r\n`]),
    ),
  },
];
