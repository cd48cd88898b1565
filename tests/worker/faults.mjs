// Runs in workerd around the built Worker: makes KV, the queue and the Durable Objects misbehave as a
// request's headers say, counts what they do, and keeps what the queue delivers. The Worker itself is
// untouched.

import gateway, { Deduper as RealDeduper } from "./gateway/worker.mjs";

/** @type {string[]} */
const received = [];
/** @type {Record<string, number>} */
const calls = {};

/**
 * What goes wrong inside the objects, by event: Worker and objects share an isolate here.
 *
 * @type {Map<string, Record<string, unknown>>}
 */
const objectFaults = new Map();

/** @param {string} name @param {number} [times] */
function count(name, times = 1) {
  calls[name] = (calls[name] ?? 0) + times;
}

/**
 * @param {string} name
 * @param {unknown} fault `undefined`, or what goes wrong
 * @param {() => Promise<unknown>} work
 */
function perform(name, fault, work) {
  count(name);
  if (fault === undefined) {
    return work();
  }
  if (fault === "throws synchronously") {
    throw new Error(`${name} failed at once`);
  }
  if (fault === "returns no promise") {
    return undefined;
  }
  return misbehave(name, fault, work);
}

/**
 * @param {string} name
 * @param {unknown} fault
 * @param {() => Promise<unknown>} work
 */
async function misbehave(name, fault, work) {
  if (fault === "hangs") {
    return new Promise(() => {});
  }
  if (fault === "throws an error") {
    throw new TypeError(`${name} failed\n    at stack (secret.js:1:1)`);
  }
  if (fault === "throws a string") {
    throw `${name} failed with a string`;
  }
  if (fault === "resolves to nothing") {
    return undefined;
  }
  const [, fails, ms] = /^(fails )?after (\d+) ms$/.exec(String(fault)) ?? [];
  await new Promise((resolve) => setTimeout(resolve, Number(ms)));
  if (fails) {
    throw new Error(`${name} failed late`);
  }
  return work();
}

class KvNamespace {
  /** @param {any} real @param {Record<string, unknown>} faults */
  constructor(real, faults) {
    this.real = real;
    this.faults = faults;
  }

  /** @param {...any} args */
  get(...args) {
    return perform("get", this.faults.get, () => this.real.get(...args));
  }

  /** @param {...any} args */
  put(...args) {
    return perform("put", this.faults.put, () => this.real.put(...args));
  }
}

class Queue {
  /** @param {any} real @param {Record<string, unknown>} faults */
  constructor(real, faults) {
    this.real = real;
    this.faults = faults;
  }

  /** @param {...any} args */
  send(...args) {
    return perform("send", this.faults.send, () => this.real.send(...args));
  }
}

class Namespace {
  /** @param {any} real @param {Record<string, unknown>} faults */
  constructor(real, faults) {
    this.real = real;
    this.faults = faults;
  }

  /** @param {string} name */
  idFromName(name) {
    return this.real.idFromName(name);
  }

  /** @param {any} id */
  get(id) {
    return {
      /** @param {any} call */
      commit: (call) => perform("commit", this.faults.commit, () => this.real.get(id).commit(call)),
    };
  }
}

/** The object, with faults and counters around what it uses. */
export class Deduper extends RealDeduper {
  /** @param {any} ctx @param {any} env */
  constructor(ctx, env) {
    super(ctx, env);
    this.failing = { query: "" };
    Object.defineProperty(this, "ctx", { value: { storage: counted(ctx.storage, this.failing) } });
    Object.defineProperty(this, "env", { value: { ...env, ...misbehaving(env) } });
    this.real = ctx;
  }

  /** @param {any} call */
  commit(call) {
    count("object commit");
    return super.commit(call);
  }

  async rows() {
    const rows = this.real.storage.sql.exec("SELECT * FROM seen ORDER BY event_id").toArray();
    return { rows, alarm: await this.real.storage.getAlarm() };
  }

  /** @param {[eventId: string, endsAt: number][]} rows */
  async insert(rows) {
    // Creates the table.
    await this.alarm();
    for (const row of rows) {
      this.real.storage.sql.exec("INSERT INTO seen (event_id, ends_at) VALUES (?, ?)", ...row);
    }
  }

  /** @param {string[]} eventIds */
  async end(eventIds) {
    for (const eventId of eventIds) {
      this.real.storage.sql.exec("UPDATE seen SET ends_at = 0 WHERE event_id = ?", eventId);
    }
  }

  /** @param {number} at */
  async wake(at) {
    await this.real.storage.setAlarm(at);
  }

  async purge() {
    await this.alarm();
  }

  async unset() {
    await this.real.storage.deleteAlarm();
  }

  /** The next query that begins so fails. @param {string} query */
  async failNext(query) {
    this.failing.query = query;
  }

  async restart() {
    this.real.abort("asked for by a test");
  }
}

/** @param {any} storage @param {{ query: string }} failing how the query begins that is to fail once */
function counted(storage, failing) {
  return {
    sql: {
      /** @param {string} query @param {...any} values */
      exec(query, ...values) {
        if (failing.query !== "" && query.startsWith(failing.query)) {
          failing.query = "";
          throw new Error("asked for by a test");
        }
        const cursor = storage.sql.exec(query, ...values);
        const rows = cursor.toArray();
        count("rows written", cursor.rowsWritten);
        count("rows read", cursor.rowsRead);
        return { toArray: () => rows };
      },
    },
    getAlarm: () => storage.getAlarm(),
    /** @param {number} at */
    setAlarm(at) {
      count("alarms set");
      return storage.setAlarm(at);
    },
  };
}

/**
 * The queue; or, where a test kills the whole process, the service that takes its place: local queues live
 * in memory.
 *
 * @param {any} env
 */
function queueOf(env) {
  if (env.JOURNAL === undefined) {
    return env.EVENTS;
  }
  return {
    /** @param {string} body */
    async send(body) {
      const { ok } = await fetch(env.JOURNAL, { method: "POST", body });
      if (!ok) {
        throw new Error("the journal failed");
      }
    },
  };
}

/** @param {any} env */
function misbehaving(env) {
  return {
    SEEN: {
      /** @param {string} key @param {...any} args */
      get(key, ...args) {
        return new KvNamespace(env.SEEN, objectFaults.get(key.slice("seen:".length)) ?? {}).get(key, ...args);
      },
      put: () => {},
    },
    EVENTS: {
      /** @param {string} text @param {...any} args */
      send(text, ...args) {
        return new Queue(queueOf(env), objectFaults.get(JSON.parse(text).eventId) ?? {}).send(text, ...args);
      },
    },
  };
}

function failToInstantiateOnce() {
  const { Instance } = WebAssembly;
  const scope = /** @type {any} */ (WebAssembly);
  scope.Instance = class {
    constructor() {
      scope.Instance = Instance;
      throw new RangeError("out of memory");
    }
  };
}

/** @param {Request} request @param {any} env */
function environment(request, env) {
  const faults = JSON.parse(decodeURIComponent(request.headers.get("x-test-faults") ?? "null"));
  const settings = JSON.parse(decodeURIComponent(request.headers.get("x-test-settings") ?? "null"));
  if (faults === null && settings === null) {
    return env;
  }
  if (faults?.instance === "fails once") {
    failToInstantiateOnce();
  }
  const changed = { ...env, EVENTS: queueOf(env), ...settings };
  if (faults !== null) {
    changed.SEEN = new KvNamespace(env.SEEN, faults);
    changed.EVENTS = new Queue(queueOf(env), faults);
    changed.DEDUPER = new Namespace(env.DEDUPER, faults);
  }
  for (const [name, value] of Object.entries(changed)) {
    if (value === "absent") {
      delete changed[name];
    }
  }
  return changed;
}

export default {
  /** @param {Request} request @param {any} env @param {any} ctx */
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/test/observed") {
      return Response.json({ received, calls });
    }
    if (pathname === "/test/faults") {
      objectFaults.set(searchParams.get("event") ?? "", /** @type {any} */ (await request.json()));
      return new Response();
    }
    if (pathname === "/test/object") {
      const object = env.DEDUPER.get(env.DEDUPER.idFromName(searchParams.get("place")));
      const { method, args } = /** @type {any} */ (await request.json());
      // A restart ends the call with an error.
      const result = await object[method](...args).catch((/** @type {unknown} */ error) => String(error));
      return Response.json(result ?? null);
    }
    return gateway.fetch(request, environment(request, env), ctx);
  },

  /** @param {any} batch */
  async queue(batch) {
    for (const message of batch.messages) {
      received.push(message.body);
    }
  },
};
