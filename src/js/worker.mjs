// The Worker's entry points: hand requests, and calls of the Durable Objects, to the WebAssembly instance.
// `cargo xtask worker` lays it beside the files that it imports.

import { DurableObject, RpcTarget } from "cloudflare:workers";
import { generation, log, unlessTrapped, untilTrapped } from "./guard.mjs";
import { DeduperObject, fetch as serve } from "./index.js";

/**
 * The core answers within 4,500 ms at most, the sender waits for 5,000. An instance that has not answered
 * by then has trapped where nobody could see it, in the callback of a timer.
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
 * As the core answers, and logs, when an event is not known to be in the queue.
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
 * Strict mode: leases the events that belong to one of 16 shards. It sets no timer, because a pending timer keeps an
 * object awake, and it never waits for another service.
 */
export class Deduper extends DurableObject {
  /** @type {DeduperObject | undefined} */
  #object;
  #generation = generation;

  // When the platform resets this object, its waiting calls stay in the guard's list until the next trap, and keep this
  // object and its leases in memory. Their callers have an error already. Resets with waiting calls are rare.

  /** What the present instance knows of this object; after a trap, nothing but the storage is left. */
  #present() {
    if (this.#object === undefined || this.#generation !== generation) {
      this.#object = new DeduperObject(this.ctx.storage, generation);
      this.#generation = generation;
    }
    return this.#object;
  }

  /**
   * Answers when the event is leased to the caller, is known to be in the queue, or has too many waiters.
   *
   * @param {string} eventId
   * @param {boolean} ignoresRow
   * @param {number} waitMs how long the caller waits for the lease of another delivery
   * @returns {Promise<{ outcome: string | undefined, lease?: Lease }>}
   */
  async acquire(eventId, ignoresRow, waitMs) {
    /** @typedef {{ outcome: string | undefined, lease: number | undefined, failure: string | undefined }} Answer */
    const answer = await unlessTrapped((/** @type {(answer: Answer) => void} */ end) =>
      this.#present().acquire(eventId, ignoresRow, waitMs, (outcome, lease, failure) =>
        end({ outcome, lease, failure }),
      ),
    );
    const { outcome, lease, failure } = known(answer);
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

  /** Throws if it fails, so that the platform tries again. */
  async alarm() {
    const call = (/** @type {(answer: { failure: string | undefined }) => void} */ end) =>
      this.#present().alarm((failure) => end({ failure }));
    throwIfFailed(known(await unlessTrapped(call)).failure);
  }

  /** @param {string} eventId @param {number} endsAt @param {number} [lease] */
  async #mark(eventId, endsAt, lease) {
    const call = (/** @type {(answer: { failure: string | undefined }) => void} */ end) =>
      end({ failure: this.#present().mark(eventId, endsAt, lease) });
    throwIfFailed(known(await unlessTrapped(call)).failure);
  }

  /** @param {string} eventId @param {number} lease */
  #release(eventId, lease) {
    unlessTrapped((end) => {
      this.#present().release(eventId, lease);
      end(undefined);
    });
  }
}

/** A lease, as its holder calls it. It is released when the holder disposes of it or ends in any way. */
class Lease extends RpcTarget {
  #commit;
  #release;

  /** @param {(endsAt: number) => Promise<void>} commit @param {() => void} release */
  constructor(commit, release) {
    super();
    this.#commit = commit;
    this.#release = release;
  }

  /** The event is in the queue: writes its row. @param {number} endsAt */
  commit(endsAt) {
    return this.#commit(endsAt);
  }

  [Symbol.dispose]() {
    this.#release();
  }
}

/**
 * @template T
 * @param {T | undefined} result
 */
function known(result) {
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
    const answered = answer(request, env, ctx);
    // Without it a sender that resets its connection would cancel the delivery half-way.
    ctx.waitUntil(answered);
    return answered;
  },
};
