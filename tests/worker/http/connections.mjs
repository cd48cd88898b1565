// Unusual versions, hosts and connections.

import { webhookPath } from "../../../scripts/delivery.mjs";
import { close } from "../raw.mjs";

const socketLines =
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/** @type {import("../http.test.mjs").Row[]} */
export const connections = [
  {
    sent: "HTTP/1.0; lines that end with a line feed alone; empty lines before the first",
    answers: ["202 accepted"],
    cases: [
      ["HTTP/1.0", (delivery) => delivery.request({ line: `POST ${webhookPath} HTTP/1.0\r\n` })],
      [
        "HTTP/1.0, kept alive",
        (delivery) =>
          delivery.request({ line: `POST ${webhookPath} HTTP/1.0\r\n`, extra: "Connection: keep-alive\r\n" }),
      ],
      ["line feeds", (delivery) => [delivery.head().replaceAll("\r\n", "\n"), delivery.body]],
      ["one line feed", (delivery) => delivery.request({ extra: "X-Other: a\nX-Another: b\n" })],
      ["empty lines", (delivery) => ["\r\n\r\n", delivery.request()]],
    ],
  },
  {
    sent: "another version, TLS, or anything that is not HTTP/1.1",
    answers: ["400"],
    cases: [
      ...["HTTP/0.9", "HTTP/1.2", "HTTP/2", "HTTP/3.0", "HTTP/1.1.1", "HTTP/11", "http/1.1", "HTTPS/1.1", ""].map(
        (version) =>
          /** @type {import("../http.test.mjs").Case} */ ([
            version,
            (delivery) => delivery.request({ line: `POST ${webhookPath} ${version}\r\n` }),
          ]),
      ),
      ["HTTP/0.9 as it was", () => `GET ${webhookPath}\r\n\r\n`],
      ["a space before the method", (delivery) => [" ", delivery.request()]],
      ["carriage returns", (delivery) => [delivery.head().replaceAll("\r\n", "\r"), delivery.body, "\r\n\r\n"]],
      ["TLS", () => Buffer.from(`\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03${"a".repeat(200)}\r\n\r\n`, "latin1")],
      ["no text", () => "\0\x01\x02\r\n\r\n"],
    ],
  },
  {
    sent: "the preface of HTTP/2",
    answers: [],
    cases: [
      ["alone", () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"],
      ["a delivery after it", (delivery) => ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", delivery.request()]],
    ],
  },
  {
    sent: "no `Host`, or an empty one",
    answers: ["400"],
    cases: [
      ["none", (delivery) => delivery.request({ host: "" })],
      ["empty", (delivery) => delivery.request({ host: "Host:\r\n" })],
    ],
  },
  {
    sent: "a malformed `Host`, or two",
    answers: ["404 not_found"],
    cases: [
      ["the same twice", (delivery) => delivery.request({ host: "Host: gateway\r\nHost: gateway\r\n" })],
      ["two", (delivery) => delivery.request({ host: "Host: gateway\r\nHost: other.example\r\n" })],
      ["a backslash", (delivery) => delivery.request({ host: "Host: a\\b\r\n" })],
      ["a port that is too large", (delivery) => delivery.request({ host: "Host: a:99999\r\n" })],
    ],
  },
  {
    sent: "a `Host` that has a path: the URL that results counts",
    answers: ["202 accepted"],
    cases: [
      [
        "the whole path",
        (delivery) => delivery.request({ line: "POST / HTTP/1.1\r\n", host: `Host: a${webhookPath}?\r\n` }),
      ],
      [
        "a part of it",
        (delivery) => delivery.request({ line: "POST /cronozen HTTP/1.1\r\n", host: "Host: a/webhooks\r\n" }),
      ],
    ],
  },
  {
    sent: "two deliveries in one packet: each is answered, in order",
    answers: ["202 accepted", "202 accepted"],
    cases: [["two", (delivery, other) => Buffer.concat([delivery.request(), other.request()])]],
  },
  {
    sent: "a refused delivery and a good one in one packet",
    answers: ["401 invalid_signature", "202 accepted"],
    cases: [
      ["no signature", (delivery, other) => Buffer.concat([delivery.request({ signature: "" }), other.request()])],
      [
        "another body",
        (delivery, other) =>
          Buffer.concat(
            [delivery.head(), "x".repeat(delivery.bytes), other.request()].map((part) => Buffer.from(part)),
          ),
      ],
    ],
  },
  {
    sent: "`Expect: 100-continue` with a signature in its form",
    answers: ["100", "202 accepted"],
    cases: [
      ["the body at once", (delivery) => delivery.request({ extra: "Expect: 100-continue\r\n" })],
      ["the body later", (delivery) => [delivery.head({ extra: "Expect: 100-continue\r\n" }), 200, delivery.body]],
    ],
  },
  {
    sent: "`Expect: 100-continue` without a signature: the body is not asked for",
    answers: ["401 invalid_signature"],
    cases: [
      [
        "the body does not come",
        (delivery) => delivery.head({ signature: "", extra: `Expect: 100-continue\r\n${close}` }),
      ],
    ],
  },
  {
    sent: "another `Expect`; `Upgrade` to WebSocket or `h2c`; `Connection` with the name of a header; `TE`, `Keep-Alive`",
    answers: ["202 accepted"],
    cases: [
      "Expect: 200-maybe\r\n",
      "Expect: 100-continue, x\r\n",
      "Expect:\r\n",
      socketLines,
      "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
      "Connection: X-Cronozen-Signature\r\n",
      "Connection: Content-Length\r\n",
      "Connection: close, X-Cronozen-Signature\r\n",
      "Connection: keep-alive\r\nConnection: close\r\n",
      "TE: trailers\r\nTrailer: X-Cronozen-Signature\r\n",
      "Keep-Alive: timeout=999999999\r\n",
      "Proxy-Connection: keep-alive\r\n",
    ].map((extra) => [extra, (delivery) => delivery.request({ extra })]),
  },
  {
    sent: "a head that does not end within 15 s",
    answers: [],
    closesInMs: [10_000, 25_000],
    cases: [["half of a head", () => `POST ${webhookPath} HTTP/1.1\r\nHost: gateway\r\n`]],
  },
];
