// Runs in workerd around the built Worker: makes KV and the queue misbehave as a request's headers say,
// and keeps what the queue delivers. The Worker itself is untouched.

import gateway from "./gateway/worker.mjs";

/** @type {string[]} */
const received = [];
/** @type {Record<string, number>} */
const calls = {};

/**
 * @param {string} name
 * @param {unknown} fault `undefined`, or what goes wrong
 * @param {() => Promise<unknown>} work
 */
function perform(name, fault, work) {
  calls[name] = (calls[name] ?? 0) + 1;
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
  const changed = { ...env, ...settings };
  if (faults !== null) {
    changed.SEEN = new KvNamespace(env.SEEN, faults);
    changed.EVENTS = new Queue(env.EVENTS, faults);
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
    if (new URL(request.url).pathname === "/test/observed") {
      return Response.json({ received, calls });
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
