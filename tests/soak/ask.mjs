// One HTTP request on a connection of its own, which may stall or be reset.

import { request } from "node:http";

/** Longer than any answer may take: without one by then, the request hangs. */
const patienceMs = 10_000;

/**
 * A request. `cut` says what happens after the first half of the body, or after the whole: the sender stalls, or resets the
 * connection after some milliseconds.
 *
 * @typedef {{ at: "half" | "end", resetsAfterMs?: number }} Cut
 * @typedef {{ method: string, path: string, headers: Record<string, string>, body: string, cut?: Cut }} Asked
 * @typedef {{ status: number, code: string, ms: number } | { failure: "hung" | "broken" | "reset by the sender", ms: number }} Answer
 */

/**
 * Returns the answer, or that there was none.
 *
 * @param {URL} base
 * @param {Asked} asked
 * @returns {Promise<Answer>}
 */
export function ask(base, { method, path, headers, body, cut }) {
  const { promise, resolve } = Promise.withResolvers();
  const started = performance.now();
  const length = String(Buffer.byteLength(body));
  const sent = request(new URL(path, base), {
    method,
    // A connection that is used again may be closed by then, which would be no fault of the gateway.
    agent: false,
    headers: { ...headers, ...(method === "GET" ? {} : { "content-length": length }) },
  });
  /** @param {Record<string, unknown>} result */
  const end = (result) => {
    clearTimeout(timer);
    sent.destroy();
    resolve({ ...result, ms: performance.now() - started });
  };
  const timer = setTimeout(() => end({ failure: "hung" }), patienceMs);
  sent.on("error", () => end({ failure: "broken" }));
  sent.on("response", async (response) => {
    try {
      const text = Buffer.concat(await response.toArray()).toString();
      end({ status: response.statusCode, code: codeOf(text) });
    } catch {
      end({ failure: "broken" });
    }
  });
  if (cut === undefined) {
    sent.end(method === "GET" ? undefined : body);
    return promise;
  }
  sent.write(cut.at === "half" ? body.slice(0, body.length / 2) : body);
  if (cut.resetsAfterMs !== undefined) {
    setTimeout(() => {
      sent.socket?.resetAndDestroy();
      end({ failure: "reset by the sender" });
    }, cut.resetsAfterMs);
  }
  return promise;
}

/** The code of an answer: that of an error, or the status of a success. @param {string} text */
function codeOf(text) {
  try {
    const { code, status } = JSON.parse(text);
    return String(code ?? status);
  } catch {
    return "";
  }
}
