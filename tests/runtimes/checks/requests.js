// Fetch requests.

import { header, secret } from "./report.js";

/** @typedef {import("./report.js").Checks} Checks */

/** @param {Checks} report @param {import("../checks.js").Package} cronozen */
export async function checkRequests(report, { Verifier, sign }) {
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
      // Node requires it if the body is a stream.
      .../** @type {any} */ ({ duplex: "half" }),
    });
  const outcome = async (/** @type {Request} */ request) => {
    try {
      return (await verifier.verifyRequest(request)).eventId;
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
