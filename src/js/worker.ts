// The Worker's entry points, which pass requests and calls of the Durable Objects to the WebAssembly instance.
// `cargo xtask worker` compiles this file into the folder of the files that it imports.
/// <reference path="./built.d.ts" />
/// <reference path="./platform.d.ts" />

// As a namespace, because the tool that bundles the declarations confuses an imported DurableObject with the global one.
import * as workers from "cloudflare:workers";
import { ActivityBuffer, longestWaitMs } from "./activity-buffer.js";
import { generation, unlessTrapped, untilTrapped } from "./guard.js";
import { DeduperObject, type RequestParts, fetch as serve } from "./index.js";
import { log, observeLog } from "./log.js";

export { Activity } from "./activity.js";

/**
 * The limit for an answer. The gateway crate answers within 4,500 ms, and the sender waits for 5,000 ms. An instance
 * that has not answered by this limit has trapped where nothing could notice it, in the callback of a timer.
 */
const lastResortMs = 4750;

/** The part of the execution context that the gateway uses. */
export interface GatewayContext {
  /** Keeps the request's context alive until the work has ended. */
  waitUntil(work: Promise<unknown>): void;
}

const buffer = new ActivityBuffer();
observeLog((line, isUnsigned) => buffer.add(line, isUnsigned));

async function answer(request: Request, env: unknown, ctx: GatewayContext): Promise<Response> {
  const destination = { env, health: () => healthOf(env) };
  const endsAt = Date.now() + longestWaitMs;
  const context = {
    // Work after the answer may write a line, too.
    waitUntil: (work: Promise<unknown>) =>
      ctx.waitUntil(untilTrapped(work).then(() => buffer.flushWhenDue(destination, endsAt))),
  };
  const response = await unlessTrapped<Response>(
    (end) => serve(partsOf(request), env, context, (...answered) => end(responseOf(...answered))),
    lastResortMs,
  );
  const answered = response ?? unavailable(request);
  const flushed = buffer.flushWhenDue(destination, endsAt);
  if (flushed !== undefined) {
    ctx.waitUntil(flushed);
  }
  return answered;
}

/** The last environment, and the answer of its health check. */
let health: { env: unknown; text: string } | undefined;

/** Returns the answer of the health check. */
async function healthOf(env: unknown): Promise<string | undefined> {
  if (health?.env !== env) {
    const text = await unlessTrapped<string>((end) =>
      serve(partsOf(new Request("https://gateway/healthz")), env, { waitUntil: () => {} }, (_status, _type, body) =>
        end(body),
      ),
    );
    health = text === undefined ? undefined : { env, text };
  }
  return health?.text;
}

function partsOf(request: Request): RequestParts {
  const { headers } = request;
  return {
    request,
    method: request.method,
    path: URL.parse(request.url)?.pathname,
    contentLength: headers.get("content-length"),
    signature: headers.get("x-cronozen-signature"),
    address: headers.get("cf-connecting-ip"),
    ray: headers.get("cf-ray"),
  };
}

function responseOf(
  status: number,
  contentType: string,
  body: string,
  allow: string | undefined,
  retryAfter: number | undefined,
): Response {
  const headers: Record<string, string> = { "content-type": contentType, "cache-control": "no-store" };
  if (allow !== undefined) {
    headers.allow = allow;
  }
  if (retryAfter !== undefined) {
    headers["retry-after"] = String(retryAfter);
  }
  return new Response(body, { status, headers });
}

/** Logs and answers as the gateway crate does when an event is not known to be in the queue. */
function unavailable(request: Request): Response {
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

/** A lease, as its holder sees it. The platform releases it when the holder disposes of it or ends in any way. */
export interface HeldLease {
  /** Writes the row of the event, which is in the queue. */
  commit(endsAt: number): Promise<void>;
}

/** The answer to a request for a lease. */
export interface AcquireReply {
  /** The outcome: `leased`, `duplicate`, `wait ended` or `too many waiters`. */
  outcome: string | undefined;
  /** The lease, if the outcome is `leased`. */
  lease?: HeldLease;
}

/** The answer of the instance to a call that may fail. */
interface Result {
  failure: string | undefined;
}

/** The instance's answer to a request for a lease. */
interface AcquireResult extends Result {
  outcome: string | undefined;
  lease: number | undefined;
}

/**
 * Strict mode: leases the events of one of 16 shards. It sets no timer, because a pending timer keeps an
 * object awake, and it never waits for another service.
 */
export class Deduper extends workers.DurableObject<unknown> {
  #object: DeduperObject | undefined;
  #generation = generation;

  // When the platform resets this object, its waiting calls stay in the guard's list until the next trap, and keep this
  // object and its leases in memory. Their callers have already received an error. Resets with waiting calls are rare.

  /** Returns this object in the present instance. After a trap, only the storage is left. */
  #currentObject(): DeduperObject {
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
   * @param ignoresRow true if the event's row must be ignored
   * @param waitMs the time that the caller waits for the lease of another delivery
   */
  async acquire(eventId: string, ignoresRow: boolean, waitMs: number): Promise<AcquireReply> {
    const result = await unlessTrapped<AcquireResult>((end) =>
      this.#currentObject().acquire(eventId, ignoresRow, waitMs, (outcome, lease, failure) =>
        end({ outcome, lease, failure }),
      ),
    );
    const { outcome, lease, failure } = requireResult(result);
    throwIfFailed(failure);
    if (lease === undefined) {
      return { outcome };
    }
    const commit = (endsAt: number) => this.#mark(eventId, endsAt, lease);
    return { outcome, lease: new Lease(commit, () => this.#release(eventId, lease)) };
  }

  /**
   * Writes the row of an event that is in the queue, after this object has restarted and forgotten the lease.
   *
   * @param endsAt the end of the row's lifetime, in milliseconds since 1970
   */
  async mark(eventId: string, endsAt: number): Promise<void> {
    await this.#mark(eventId, endsAt);
  }

  /** Purges one batch of rows. Throws if that fails, so that the platform retries. */
  override async alarm(): Promise<void> {
    const result = await unlessTrapped<Result>((end) => this.#currentObject().alarm((failure) => end({ failure })));
    throwIfFailed(requireResult(result).failure);
  }

  async #mark(eventId: string, endsAt: number, lease?: number): Promise<void> {
    const result = await unlessTrapped<Result>((end) =>
      end({ failure: this.#currentObject().mark(eventId, endsAt, lease) }),
    );
    throwIfFailed(requireResult(result).failure);
  }

  #release(eventId: string, lease: number): void {
    unlessTrapped<undefined>((end) => {
      this.#currentObject().release(eventId, lease);
      end(undefined);
    });
  }
}

/** The lease that its holder calls. It is released when the holder disposes of it or ends in any way. */
class Lease extends workers.RpcTarget implements HeldLease {
  #commit: (endsAt: number) => Promise<void>;
  #release: () => void;

  constructor(commit: (endsAt: number) => Promise<void>, release: () => void) {
    super();
    this.#commit = commit;
    this.#release = release;
  }

  commit(endsAt: number): Promise<void> {
    return this.#commit(endsAt);
  }

  /** Releases the lease. */
  [Symbol.dispose](): void {
    this.#release();
  }
}

/** Throws if the instance has trapped, and so there is no result. */
function requireResult<T>(result: T | undefined): T {
  if (result === undefined) {
    throw new Error("the instance has trapped");
  }
  return result;
}

function throwIfFailed(failure: string | undefined): void {
  if (failure !== undefined) {
    throw new Error(failure);
  }
}

/** The gateway. `env` holds its settings and bindings. */
const gateway = {
  /** Serves a request: receives an event, or reports the health of the gateway. */
  fetch(request: Request, env: unknown, ctx: GatewayContext): Promise<Response> {
    const response = answer(request, env, ctx);
    // Without this, a sender that resets its connection would cancel the delivery half-way.
    ctx.waitUntil(response);
    return response;
  },
};

export default gateway;
