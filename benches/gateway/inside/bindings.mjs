// Bindings that answer at once, inside the isolate, so that only the gateway is measured. They remember nothing: an
// event counts as seen if its id contains "duplicate".

/** @param {unknown} text an event's id, or a key that ends with one */
function seen(text) {
  return String(text).includes("duplicate");
}

/**
 * The last queued message, for the agreement test.
 *
 * @type {string | undefined}
 */
let lastMessage;

/** Returns the last message that was queued since the last call. */
export function takeMessage() {
  const message = lastMessage;
  lastMessage = undefined;
  return message;
}

class KvNamespace {
  /** @param {string} key @param {unknown} _options */
  async get(key, _options) {
    return seen(key) ? "" : null;
  }

  /** @param {string} _key @param {string} _value @param {unknown} _options */
  async put(_key, _value, _options) {}
}

class WorkerQueue {
  /** @param {string} message @param {unknown} _options */
  async send(message, _options) {
    lastMessage = message;
  }
}

/** The part of a Durable Object's storage that the gateways use. */
export class ObjectStorage {
  sql = {
    /** @param {string} query @param {...unknown} values */
    exec(query, ...values) {
      const rows = query.startsWith("SELECT") && seen(values[0]) ? [{ 1: 1 }] : [];
      return { toArray: () => rows };
    },
  };

  /** @type {number | null} */
  #alarm = null;

  async getAlarm() {
    return this.#alarm;
  }

  /** @param {number} at */
  async setAlarm(at) {
    this.#alarm = at;
  }
}

/** Calls the objects directly, without the runtime's remote calls. */
export class ObjectNamespace {
  /** @type {Map<string, Stub>} */
  #stubs = new Map();

  /** @param {Map<string, import("./gateway/worker.js").Deduper>} objects by their names */
  constructor(objects) {
    for (const [name, object] of objects) {
      this.#stubs.set(name, new Stub(object));
    }
  }

  /** @param {string} name */
  idFromName(name) {
    return name;
  }

  /** @param {string} name */
  get(name) {
    return this.#stubs.get(name);
  }
}

/** Returns what a remote call would return: disposing of a result disposes of its lease. */
class Stub {
  #object;

  /** @param {import("./gateway/worker.js").Deduper} object */
  constructor(object) {
    this.#object = object;
  }

  /** @param {string} eventId @param {boolean} ignoresRow @param {number} waitMs */
  async acquire(eventId, ignoresRow, waitMs) {
    const { outcome, lease } = await this.#object.acquire(eventId, ignoresRow, waitMs);
    return { outcome, lease, [Symbol.dispose]: () => Object(lease)[Symbol.dispose]?.() };
  }

  /** @param {string} eventId @param {number} endsAt */
  mark(eventId, endsAt) {
    return this.#object.mark(eventId, endsAt);
  }
}

export const stubs = { SEEN: new KvNamespace(), EVENTS: new WorkerQueue() };

/** The limit on failures: exhausted for the addresses of one network. */
export const failures = {
  /** @param {{ key: string }} options */
  async limit({ key }) {
    return { success: !key.startsWith("198.51.100.") };
  },
};

const activityObject = {
  /** @param {import("../../../src/js/activity-sources.js").Batch} batch @param {unknown} gateway */
  async record(batch, gateway) {
    return structuredClone({ batch, gateway }).batch.number;
  },
};

/** The binding of an object that takes the lines of the log. */
export const activity = { idFromName: (/** @type {string} */ name) => name, get: () => activityObject };
