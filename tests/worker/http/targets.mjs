// Unusual paths and methods.

import { webhookPath } from "../../../scripts/delivery.mjs";
import { close } from "../raw.mjs";

/**
 * Cases of a delivery to other targets.
 *
 * @param {string[]} targets
 * @returns {import("../http.test.mjs").Case[]}
 */
function to(targets) {
  return targets.map((target) => [
    target.slice(0, 80),
    (delivery) => delivery.request({ line: `POST ${target} HTTP/1.1\r\n` }),
  ]);
}

/**
 * Cases of a request for the health.
 *
 * @param {string[]} targets
 * @returns {import("../http.test.mjs").Case[]}
 */
function healthOf(targets) {
  return targets.map((target) => [target, () => `GET ${target} HTTP/1.1\r\nHost: gateway\r\n${close}\r\n`]);
}

/**
 * Cases of other methods.
 *
 * @param {string[]} methods
 * @returns {import("../http.test.mjs").Case[]}
 */
function by(methods) {
  return methods.map((method) => [
    method.slice(0, 80),
    (delivery) => delivery.request({ line: `${method} ${webhookPath} HTTP/1.1\r\n`, extra: close }),
  ]);
}

/** @type {import("../http.test.mjs").Row[]} */
export const targets = [
  {
    sent: "dot segments, also as `%2e`; a backslash for a slash within the path; a query, a fragment, a whole URL",
    answers: ["202 accepted"],
    cases: to([
      "/./webhooks/cronozen",
      "/webhooks/./cronozen",
      "/webhooks/../webhooks/cronozen",
      "/../webhooks/cronozen",
      "/%2e/webhooks/cronozen",
      "/webhooks/%2e%2E/webhooks/cronozen",
      `/${"../".repeat(10_000)}webhooks/cronozen`,
      "/webhooks\\cronozen",
      "/webhooks/cronozen?",
      "/webhooks/cronozen?a=/../..",
      `/webhooks/cronozen?${"a".repeat(60_000)}`,
      "/webhooks/cronozen#fragment",
      "http://other.example/webhooks/cronozen",
      "HTTPS://user:password@other.example/webhooks/cronozen",
    ]),
  },
  {
    sent: "any other spelling: `//`, `%2f`, `%77ebhooks`, another case, a slash at the end, `;x`, `%00`",
    answers: ["404 not_found"],
    cases: to([
      "/",
      "*",
      "//webhooks/cronozen",
      "///webhooks/cronozen",
      "/webhooks//cronozen",
      "/webhooks/cronozen/",
      "/webhooks/cronozen/.",
      "/webhooks/cronozen/..",
      "/webhooks/cronozen/x/..",
      "/webhooks%2fcronozen",
      "/webhooks%5ccronozen",
      "/webhooks/cronozen%2f",
      "/webhooks/x/..%2fcronozen",
      "/%77ebhooks/cronozen",
      "/webhooks/cronoze%6e",
      "/webhooks/cronozen%00",
      "/webhooks/cronozen%20",
      "/webhooks/cronozen%23",
      "/webhooks/cronozen%3f",
      "/webhooks/cronozen%",
      "/webhooks/cronozen%zz",
      "/WEBHOOKS/CRONOZEN",
      "/webhooks/Cronozen",
      "/webhooks/cronozen;x",
      "/webhooks/cronozén",
      "/webhooks/cronoz\u200ben",
      "/\\webhooks/cronozen",
      "/@other.example/webhooks/cronozen",
      "http://other.example",
      `/webhooks/${"a".repeat(60_000)}`,
    ]),
  },
  {
    sent: "a path that does not begin with a slash, or has a control character",
    answers: ["400"],
    cases: to([
      "",
      "?x",
      "webhooks/cronozen",
      "\\webhooks\\cronozen",
      "@other.example/webhooks/cronozen",
      ":80/webhooks/cronozen",
      ".other.example/webhooks/cronozen",
      "/ webhooks/cronozen",
      "/webhooks/cronozen\t",
      "/webhooks/cron\x01ozen",
      "/webhooks/cronozen\x7f",
    ]),
  },
  {
    sent: "a path and query of 64 KiB",
    answers: ["414"],
    cases: to([`/webhooks/cronozen?${"a".repeat(64 * 1024)}`, `/${"a".repeat(64 * 1024)}`]),
  },
  {
    sent: "`GET /healthz` with a query, a fragment or dot segments",
    answers: ["200 ok"],
    cases: healthOf(["/healthz?x", "/healthz#x", "/./healthz", "/webhooks/cronozen/../../healthz", "http://a/healthz"]),
  },
  {
    sent: "`GET` with any other spelling of `/healthz`",
    answers: ["404 not_found"],
    cases: healthOf(["//healthz", "/healthz/", "/HEALTHZ", "/health%7a", "/healthz;x", "/healthz%3fx", "/healthz%00"]),
  },
  {
    sent: "another method of HTTP than `POST`",
    answers: ["405 method_not_allowed"],
    cases: by(["GET", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "PURGE", "QUERY"]),
  },
  {
    sent: "an unknown method, or `post` in lower case",
    answers: ["501"],
    cases: by(["post", "Post", "POS", "POSTS", "FOO", "M-SEARCH", "PRI", "POST".repeat(10_000)]),
  },
  {
    sent: "a malformed method, or none",
    answers: ["400"],
    cases: by(["", "PO\tST", "POST\0", "POST:", "PÖST", '"POST"']),
  },
  {
    sent: "`CONNECT`",
    answers: ["500"],
    cases: by(["CONNECT"]),
  },
];
