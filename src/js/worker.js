// The Worker's entry points, which pass requests and calls of the Durable Objects to the WebAssembly instance.
// `cargo xtask worker` copies this file beside the files that it imports.

import { DurableObject, RpcTarget } from "cloudflare:workers";
import { generation, log, unlessTrapped, untilTrapped } from "./guard.js";
import { DeduperObject, fetch as serve } from "./index.js";

/**
 * The limit for an answer. The gateway crate answers within 4,500 ms, and the sender waits for 5,000 ms. An instance
 * that has not answered by this limit has trapped where nothing could notice it, in the callback of a timer.
 */
const lastResortMs = 4750;

/**
 * @param {Request} request
 * @param {unknown} env
 * @param {ExecutionContext} ctx
 * @returns {Promise<Response>}
 */
async function answer(request, env, ctx) {
  const { headers } = request;
  const response = await unlessTrapped(
    (/** @type {(response: Response) => void} */ end) =>
      serve(
        {
          request,
          method: request.method,
          path: URL.parse(request.url)?.pathname,
          contentLength: headers.get("content-length"),
          signature: headers.get("x-cronozen-signature"),
          address: headers.get("cf-connecting-ip"),
          ray: headers.get("cf-ray"),
        },
        env,
        { waitUntil: (/** @type {Promise<unknown>} */ work) => ctx.waitUntil(untilTrapped(work)) },
        (...parts) => end(responseOf(...parts)),
      ),
    lastResortMs,
  );
  return response ?? unavailable(request);
}

/**
 * @param {number} status
 * @param {string} contentType
 * @param {string} body
 * @param {string} [allow]
 * @param {number} [retryAfter]
 */
function responseOf(status, contentType, body, allow, retryAfter) {
  /** @type {Record<string, string>} */
  const headers = { "content-type": contentType, "cache-control": "no-store" };
  if (allow !== undefined) {
    headers.allow = allow;
  }
  if (retryAfter !== undefined) {
    headers["retry-after"] = String(retryAfter);
  }
  return new Response(body, { status, headers });
}

/**
 * Logs and answers as the gateway crate does when an event is not known to be in the queue.
 *
 * @param {Request} request
 */
function unavailable(request) {
  log({
    outcome: "failed",
    code: "unavailable",
    reason: "instance trapped",
    address: request.headers.get("cf-connecting-ip") ?? undefined,
    ray: request.headers.get("cf-ray") ?? undefined,
  });
  const problem = {
    type: "about:blank",
    title: "Service Unavailable",
    status: 503,
    code: "unavailable",
    detail: "the event could not be queued in time; send it again",
  };
  return new Response(JSON.stringify(problem), {
    status: 503,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", "retry-after": "30" },
  });
}

/**
 * Strict mode: leases the events of one of 16 shards. It sets no timer, because a pending timer keeps an
 * object awake, and it never waits for another service.
 */
export class Deduper extends DurableObject {
  /** @type {DeduperObject | undefined} */
  #object;
  #generation = generation;

  // When the platform resets this object, its waiting calls stay in the guard's list until the next trap, and keep this
  // object and its leases in memory. Their callers have already received an error. Resets with waiting calls are rare.

  /** Returns this object in the present instance. After a trap, only the storage is left. */
  #currentObject() {
    if (this.#object === undefined || this.#generation !== generation) {
      this.#object = new DeduperObject(this.ctx.storage, generation);
      this.#generation = generation;
    }
    return this.#object;
  }

  /**
   * Answers when the event is leased to the caller, is known to be in the queue, or has too many waiters, or when the
   * caller's wait has ended.
   *
   * @param {string} eventId
   * @param {boolean} ignoresRow
   * @param {number} waitMs the time that the caller waits for the lease of another delivery
   * @returns {Promise<{ outcome: string | undefined, lease?: Lease }>}
   */
  async acquire(eventId, ignoresRow, waitMs) {
    /** @typedef {{ outcome: string | undefined, lease: number | undefined, failure: string | undefined }} Answer */
    const answer = await unlessTrapped((/** @type {(answer: Answer) => void} */ end) =>
      this.#currentObject().acquire(eventId, ignoresRow, waitMs, (outcome, lease, failure) =>
        end({ outcome, lease, failure }),
      ),
    );
    const { outcome, lease, failure } = requireResult(answer);
    throwIfFailed(failure);
    if (lease === undefined) {
      return { outcome };
    }
    const commit = (/** @type {number} */ endsAt) => this.#mark(eventId, endsAt, lease);
    return { outcome, lease: new Lease(commit, () => this.#release(eventId, lease)) };
  }

  /**
   * Writes the row of an event that is in the queue, after this object has restarted and forgotten the lease.
   *
   * @param {string} eventId
   * @param {number} endsAt
   */
  async mark(eventId, endsAt) {
    await this.#mark(eventId, endsAt);
  }

  /** Purges one batch of rows. Throws if that fails, so that the platform retries. */
  async alarm() {
    const call = (/** @type {(answer: { failure: string | undefined }) => void} */ end) =>
      this.#currentObject().alarm((failure) => end({ failure }));
    throwIfFailed(requireResult(await unlessTrapped(call)).failure);
  }

  /** @param {string} eventId @param {number} endsAt @param {number} [lease] */
  async #mark(eventId, endsAt, lease) {
    const call = (/** @type {(answer: { failure: string | undefined }) => void} */ end) =>
      end({ failure: this.#currentObject().mark(eventId, endsAt, lease) });
    throwIfFailed(requireResult(await unlessTrapped(call)).failure);
  }

  /** @param {string} eventId @param {number} lease */
  #release(eventId, lease) {
    unlessTrapped((end) => {
      this.#currentObject().release(eventId, lease);
      end(undefined);
    });
  }
}

/** The lease that its holder calls. It is released when the holder disposes of it or ends in any way. */
class Lease extends RpcTarget {
  #commit;
  #release;

  /** @param {(endsAt: number) => Promise<void>} commit @param {() => void} release */
  constructor(commit, release) {
    super();
    this.#commit = commit;
    this.#release = release;
  }

  /** Writes the row of the event, which is in the queue. @param {number} endsAt */
  commit(endsAt) {
    return this.#commit(endsAt);
  }

  [Symbol.dispose]() {
    this.#release();
  }
}

/**
 * Throws if the instance has trapped, and so there is no result.
 *
 * @template T
 * @param {T | undefined} result
 */
function requireResult(result) {
  if (result === undefined) {
    throw new Error("the instance has trapped");
  }
  return result;
}

/** @param {string | undefined} failure */
function throwIfFailed(failure) {
  if (failure !== undefined) {
    throw new Error(failure);
  }
}

export default {
  /**
   * @param {Request} request
   * @param {unknown} env
   * @param {ExecutionContext} ctx
   * @returns {Promise<Response>}
   */
  fetch(request, env, ctx) {
    const response = answer(request, env, ctx);
    // Without this, a sender that resets its connection would cancel the delivery half-way.
    ctx.waitUntil(response);
    return response;
  },
};
