// Bindings that answer at once, inside the isolate, so that what is measured is the gateway. They remember nothing:
// whether an event has been seen, its id says.

/** @param {unknown} text an event's id, or a key that ends with one */
function seen(text) {
  return String(text).includes("duplicate");
}

/**
 * What the queue has taken last, for the agreement test.
 *
 * @type {string | undefined}
 */
let lastMessage;

/** What the queue has taken since this was asked last. */
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

/** The storage of a Durable Object, as far as the gateways ask for it. */
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

/** Calls the objects where they are, without the runtime's remote calls between. */
export class ObjectNamespace {
  /** @param {Map<string, any>} objects by their names */
  constructor(objects) {
    this.objects = objects;
  }

  /** @param {string} name */
  idFromName(name) {
    return name;
  }

  /** @param {string} name */
  get(name) {
    return this.objects.get(name);
  }
}

export const stubs = { SEEN: new KvNamespace(), EVENTS: new WorkerQueue() };
