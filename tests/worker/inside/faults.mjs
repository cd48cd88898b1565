// KV, R2, the queue and the Durable Objects as a test wants them: misbehaving, and counted.

/** @type {Record<string, number>} */
export const calls = {};

/** @param {string} name @param {number} [times] */
export function count(name, times = 1) {
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
  if (fault === "returns a thenable") {
    const worked = work();
    // biome-ignore lint/suspicious/noThenProperty: it is what is tested
    return { then: worked.then.bind(worked) };
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
  /** @param {any} real @param {Record<string, unknown>} faults */
  constructor(real, faults) {
    this.real = real;
    this.faults = faults;
  }
}

export class KvNamespace extends Faulty {
  /** @param {...any} args */
  get(...args) {
    return perform("get", this.faults.get, () => this.real.get(...args));
  }

  /** @param {...any} args */
  put(...args) {
    return perform("put", this.faults.put, () => this.real.put(...args));
  }
}

export class Queue extends Faulty {
  /** @param {...any} args */
  send(...args) {
    return perform("send", this.faults.send, () => this.real.send(...args));
  }
}

export class Bucket extends Faulty {
  /** @param {...any} args */
  head(...args) {
    return this.real.head(...args);
  }

  /** @param {...any} args */
  put(...args) {
    return perform("store", this.faults.store, () => this.real.put(...args));
  }
}

export class Namespace extends Faulty {
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

/**
 * The queue; or, where a test kills the whole process, the service that takes its place: local queues live
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
