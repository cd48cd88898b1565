// The Worker of the tests in Chromium: that of `npm start`, with routes that fill its stores and headers that break them.

import { Activity as Recorder } from "cronozen-edge/worker";
import type { Env } from "../../examples/starter/src/env.ts";
import demonstration from "../../scripts/demonstration-worker.ts";

export { Deduper } from "cronozen-edge/worker";

/** The rows and lines that the tests put into Activity. */
interface Past {
  /** Rows of the table `hours`. */
  readonly hours?: readonly (readonly [hour: number, isCompact: number, minutes: string])[];
  /** The row of the table `state`, as JSON. */
  readonly state?: string;
  /** The arguments of `record`. */
  readonly batches?: readonly Parameters<Recorder["record"]>[];
}

export class Activity extends Recorder {
  /** Writes what `record` cannot: it counts a line that is older than an hour at the time of its flush. */
  async fill({ hours = [], state, batches = [] }: Past): Promise<void> {
    const { sql } = this.ctx.storage;
    for (const row of hours) {
      sql.exec("INSERT OR REPLACE INTO hours (hour, is_compact, minutes) VALUES (?, ?, ?)", ...row);
    }
    if (state !== undefined) {
      sql.exec("INSERT OR REPLACE INTO state (id, json) VALUES (1, ?)", state);
    }
    for (const [batch, gateway] of batches) {
      await this.record(batch, gateway);
    }
  }
}

interface Statements {
  readonly database: "DB" | "DEAD_LETTERS_DB";
  readonly statements: readonly { readonly query: string; readonly values?: readonly unknown[] }[];
}

export default {
  ...demonstration,

  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith("/test/")) {
      return demonstration.fetch(request, broken(env, request.headers), context);
    }
    try {
      return Response.json(await (pathname === "/test/sql" ? runStatements(request, env) : fillActivity(request, env)));
    } catch (error) {
      return new Response(String(error), { status: 500 });
    }
  },

  /** Notes each message of an event, so that a test sees how often it was sent. */
  async queue(batch: MessageBatch, env: Env, context: ExecutionContext): Promise<void> {
    if (batch.queue === "cronozen-events") {
      const ids = batch.messages.map(({ body }) => JSON.parse(String(body)).eventId);
      await env.DB.prepare("INSERT INTO test_arrivals SELECT value FROM json_each(?)").bind(JSON.stringify(ids)).run();
    }
    await demonstration.queue(batch, env, context);
  },
};

async function runStatements(request: Request, env: Env): Promise<unknown> {
  const { database, statements } = await request.json<Statements>();
  const bound = statements.map(({ query, values = [] }) => env[database].prepare(query).bind(...values));
  const results = await env[database].batch(bound);
  return results.map((result) => result.results);
}

async function fillActivity(request: Request, env: Env): Promise<unknown> {
  const namespace = env.ACTIVITY as DurableObjectNamespace<Activity>;
  await namespace.get(namespace.idFromName("activity")).fill(await request.json());
  return "filled";
}

/** Long enough for another request to come between. */
const slowMs = 50;

/** Returns the environment without the bindings that one header names, with those broken that another one names, or slow queues. */
function broken(env: Env, headers: Headers): Env {
  const namesOf = (header: string) => headers.get(header)?.split(" ") ?? [];
  const changed: Record<string, unknown> = { ...env };
  for (const name of namesOf("x-test-without")) {
    delete changed[name];
  }
  const fail = () => {
    throw new Error("broken on purpose");
  };
  for (const name of namesOf("x-test-failing")) {
    changed[name] = { prepare: fail, batch: fail, send: fail, idFromName: fail, get: fail };
  }
  for (const name of namesOf("x-test-slow")) {
    const queue = changed[name] as Queue;
    const send = async (...args: Parameters<Queue["send"]>) => {
      await scheduler.wait(slowMs);
      return queue.send(...args);
    };
    changed[name] = { send };
  }
  return changed as unknown as Env;
}
