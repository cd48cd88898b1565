// KV, R2, the queue and the Durable Objects with a test's faults and with counters.

/** @type {Record<string, number>} */
export const calls = {};

/** @param {string} name @param {number} [times] */
export function count(name, times = 1) {
  calls[name] = (calls[name] ?? 0) + times;
}

/**
 * The connections that one request may have open: the seventh waits. workerd itself does not limit them when it runs
 * locally.
 */
export class Connections {
  #free = 6;
  /** @type {(() => void)[]} */
  #waiting = [];

  /** @template T @param {() => Promise<T>} work */
  async open(work) {
    if (this.#free === 0) {
      await new Promise((resolve) => this.#waiting.push(() => resolve(undefined)));
    } else {
      this.#free -= 1;
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) {
        this.#free += 1;
      } else {
        next();
      }
    }
  }
}

/**
 * @param {string} name
 * @param {unknown} fault `undefined`, or what goes wrong
 * @param {Connections} connections
 * @param {() => Promise<unknown>} work
 */
function perform(name, fault, connections, work) {
  count(name);
  if (fault === undefined) {
    return connections.open(work);
  }
  if (fault === "throws synchronously") {
    throw new Error(`${name} failed at once`);
  }
  if (fault === "returns no promise") {
    return undefined;
  }
  if (fault === "returns a thenable") {
    const worked = work();
    // biome-ignore lint/suspicious/noThenProperty: it is what is tested
    return { then: worked.then.bind(worked) };
  }
  return connections.open(() => misbehave(name, fault, work));
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
  if (fault === "throws an odd error") {
    throw Object.assign(new Error(), { name: undefined, message: { toString: null } });
  }
  if (fault === "throws a string") {
    throw `${name} failed with a string`;
  }
  if (fault === "throws an object") {
    throw { name, message: `${name} failed with an object` };
  }
  if (fault === "resolves to nothing") {
    return undefined;
  }
  const [, kind, text] = /^throws (an error|a string): (.+)$/s.exec(String(fault)) ?? [];
  if (kind !== undefined) {
    throw kind === "a string" ? text : new Error(text);
  }
  const [, how, ms] = /^(fails |pretends )?after (\d+) ms$/.exec(String(fault)) ?? [];
  await new Promise((resolve) => setTimeout(resolve, Number(ms)));
  if (how === "fails ") {
    throw new Error(`${name} failed late`);
  }
  if (how === "pretends ") {
    return {};
  }
  return work();
}

/** A binding, and what goes wrong with it. */
class Faulty {
  /** @param {any} real @param {Record<string, unknown>} faults @param {Connections} connections */
  constructor(real, faults, connections) {
    this.real = real;
    this.faults = faults;
    this.connections = connections;
  }

  /** @param {string} name @param {() => Promise<unknown>} work @returns {any} */
  perform(name, work) {
    return perform(name, this.faults[name], this.connections, work);
  }
}

export class KvNamespace extends Faulty {
  /** @param {...any} args */
  get(...args) {
    return this.perform("get", () => this.real.get(...args));
  }

  /** @param {...any} args */
  put(...args) {
    return this.perform("put", () => this.real.put(...args));
  }
}

export class Queue extends Faulty {
  /** @param {...any} args */
  send(...args) {
    return this.perform("send", () => this.real.send(...args));
  }
}

export class Bucket extends Faulty {
  /** @param {...any} args */
  head(...args) {
    return this.perform("head", () => this.real.head(...args));
  }

  /** @param {...any} args */
  put(...args) {
    return this.perform("store", () => this.real.put(...args));
  }
}

export class Namespace extends Faulty {
  /** @param {string} name */
  idFromName(name) {
    return this.real.idFromName(name);
  }

  /** @param {any} id */
  get(id) {
    const stub = this.real.get(id);
    return {
      /** @param {...any} args */
      acquire: (...args) => this.perform("acquire", async () => this.#faulty(await stub.acquire(...args))),
      /** @param {...any} args */
      mark: (...args) => this.perform("mark", () => stub.mark(...args)),
    };
  }

  /** @param {any} acquired */
  #faulty(acquired) {
    const { outcome, lease } = acquired;
    return {
      outcome,
      lease: {
        /** @param {number} endsAt */
        commit: (endsAt) => this.perform("commit", () => lease.commit(endsAt)),
      },
      [Symbol.dispose]: () => {
        count("dispose");
        acquired[Symbol.dispose]();
      },
    };
  }
}

/** @param {any} namespace @param {Record<string, unknown>} faults @param {Connections} connections */
export function activityOf(namespace, faults, connections) {
  return {
    idFromName: (/** @type {string} */ name) => namespace.idFromName(name),
    get: (/** @type {any} */ id) => ({
      record: (/** @type {any[]} */ ...args) =>
        perform("record", faults.record, connections, () => namespace.get(id).record(...args)),
    }),
  };
}

/** @param {any} limiter @param {Record<string, unknown>} faults @param {Connections} connections */
export function limiterOf(limiter, faults, connections) {
  return {
    limit: (/** @type {any} */ options) => perform("limit", faults.limit, connections, () => limiter.limit(options)),
  };
}

/**
 * The queue; or, where a test kills the whole process, the service that replaces it: local queues live
 * in memory.
 *
 * @param {any} env
 */
export function queueOf(env) {
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
