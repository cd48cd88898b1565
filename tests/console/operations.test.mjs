// Random sequences of operators' and consumers' steps, beside a model: no letter is lost, none is sent twice unless its ids
// were named again, and no event has two effects.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { console as adminConsole } from "cronozen-edge/console";
import { consume, d1, deadLetters, NonRetryableError } from "cronozen-edge/consumer";
import fc from "fast-check";
import { SqliteDatabase } from "../alerts/database.mjs";
import { assertHolds, patience } from "../support/fuzz.mjs";
import { silent } from "../support/log.mjs";
import { messageOf, secret, token } from "../support/messages.mjs";

/** @typedef {{ id: number, eventId: string, sends: number, sentBefore: number }} Letter `sentBefore` is the next id at its last sending */
/** @typedef {{ letters: Map<number, Letter>, erased: Set<string>, handled: Set<string>, nextId: number, waiting: string[] }} Model */

/** A console and a consumer over one SQLite, with queues in memory. */
class World {
  db = new SqliteDatabase();
  /** @type {string[]} */
  queue = [];
  /** @type {string[]} */
  dead = [];
  refuses = new Set();
  fails = false;
  messages = 0;

  constructor() {
    // Each call of the database waits, so that operators overlap.
    this.db.before = () => new Promise((resolve) => setImmediate(resolve));
    this.db.query("CREATE TABLE effects (event_id TEXT NOT NULL)");
    const send = async (/** @type {any} */ body) => {
      const text = String(body);
      if (this.refuses.has(JSON.parse(text).eventId)) {
        throw new Error("queue closed");
      }
      this.queue.push(text);
    };
    /** @type {any} */
    const db = this.db;
    this.letters = deadLetters({
      queue: () => ({ send: async (body) => void this.dead.push(String(body)) }),
      events: () => ({ send }),
      ledger: () => db,
    });
    const effect = (/** @type {any} */ { eventId }) => {
      if (this.fails) {
        throw new NonRetryableError("closed");
      }
      return db.prepare("INSERT INTO effects (event_id) VALUES (?)").bind(eventId);
    };
    this.consume = consume({ "*": effect }, { once: d1(() => db), deadLetters: this.letters, secrets: () => secret });
    this.console = adminConsole({ deadLetters: this.letters });
  }

  /** @param {string} queue @param {string} body */
  async take(queue, body) {
    /** @type {string[]} */
    const settled = [];
    this.messages += 1;
    const message = {
      id: String(this.messages),
      timestamp: new Date(),
      body,
      attempts: 1,
      ack: () => void settled.push("acknowledged"),
      retry: () => void settled.push("retried"),
    };
    await silent(() => this.consume({ queue, messages: [message] }, {}));
    assert.deepEqual(settled, ["acknowledged"]);
  }

  /** @param {string} route @param {object} body @returns {Promise<any>} */
  async post(route, body) {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const url = `https://edge.example.com/console/api/${route}`;
    const request = new Request(url, { method: "POST", headers, body: JSON.stringify(body) });
    const response = await this.console(request, { ADMIN_TOKEN: token });
    assert.equal(response.status, 200);
    return response.json();
  }

  /** Puts the dead letters that wait into the table. */
  async store() {
    for (const body of this.dead.splice(0)) {
      await this.take("cronozen-events-dead", body);
    }
  }
}

const eventIds = ["evt_1", "evt_2", "evt_3", "evt_4"];
const eventId = fc.constantFrom(...eventIds);
const ids = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 12 });

/** Compares the world with the model. @param {Model} model @param {World} world */
async function compare(model, world) {
  /** @type {{ id: number, eventId: string, redrives: number, lease: string | null }[]} */
  const rows = world.db.query("SELECT id, event_id AS eventId, redrives, lease FROM cronozen_dead_letters ORDER BY id");
  assert.deepEqual(
    rows.map(({ id, eventId, redrives, lease }) => ({ id, eventId, sends: redrives, lease })),
    [...model.letters.values()].map(({ sentBefore: _, ...letter }) => ({ ...letter, lease: null })),
  );
  assert.deepEqual(world.queue.map((text) => JSON.parse(text).eventId).sort(), [...model.waiting].sort());
  const effects = world.db.query("SELECT event_id AS eventId FROM effects ORDER BY 1").map(({ eventId }) => eventId);
  assert.deepEqual(effects, [...model.handled].sort());
  const [totals] = world.db.query("SELECT letters, open FROM cronozen_dead_letter_totals");
  const open = [...model.letters.values()].filter(({ sends }) => sends === 0).length;
  assert.deepEqual(totals, { letters: model.letters.size, open });
}

/**
 * @param {string} name
 * @param {(model: Model, world: World) => Promise<void>} work
 * @returns {import("fast-check").AsyncCommand<Model, World>}
 */
function command(name, work) {
  return {
    check: () => true,
    toString: () => name,
    async run(model, world) {
      // Times are compared to the millisecond.
      mock.timers.tick(10);
      await work(model, world);
      await compare(model, world);
    },
  };
}

/** @param {Model} model @param {string} eventId */
function buried(model, eventId) {
  if (!model.erased.has(eventId)) {
    model.letters.set(model.nextId, { id: model.nextId, eventId, sends: 0, sentBefore: 0 });
  }
  model.nextId += 1;
}

/** Marks what was sent, each letter once. @param {Model} model @param {World} world @param {Letter[]} letters */
function sent(model, world, letters) {
  for (const letter of letters.filter(({ eventId }) => !world.refuses.has(eventId))) {
    letter.sends += 1;
    letter.sentBefore = model.nextId;
    model.waiting.push(letter.eventId);
  }
}

/** @param {string} eventId */
const fail = (eventId) =>
  command(`${eventId} fails for good`, async (model, world) => {
    const text = messageOf({ eventId, type: "payment.completed" });
    world.fails = true;
    await world.take("cronozen-events", text);
    world.fails = false;
    await world.store();
    if (!model.handled.has(eventId) && !model.erased.has(eventId)) {
      buried(model, eventId);
    }
  });

/** @param {number} operators */
const redriveAll = (operators) =>
  command(`${operators} operators redrive all`, async (model, world) => {
    const lines = await silent(async () => {
      await Promise.all(Array.from({ length: operators }, () => world.post("dead-letters/redrive", { upTo: 1000 })));
    });
    assert.ok(lines.every(({ outcome }) => outcome === "redriven"));
    sent(
      model,
      world,
      [...model.letters.values()].filter(({ sends }) => sends === 0),
    );
  });

/** @param {number[]} ids @param {number} operators */
const redriveOpen = (ids, operators) =>
  command(`${operators} operators redrive ${ids} if open`, async (model, world) => {
    await silent(async () => {
      const selection = { ids, state: "open" };
      await Promise.all(Array.from({ length: operators }, () => world.post("dead-letters/redrive", selection)));
    });
    sent(
      model,
      world,
      ids.flatMap((id) => model.letters.get(id) ?? []).filter(({ sends }) => sends === 0),
    );
  });

/** @param {number[]} ids */
const redriveAgain = (ids) =>
  command(`redrive ${ids} again`, async (model, world) => {
    await silent(() => world.post("dead-letters/redrive", { ids }));
    sent(
      model,
      world,
      ids.flatMap((id) => model.letters.get(id) ?? []),
    );
  });

/** @param {number[]} ids */
const prune = (ids) =>
  command(`prune ${ids}`, async (model, world) => {
    const { pruned } = await world.post("dead-letters/prune", { ids });
    const there = ids.filter((id) => model.letters.delete(id)).sort((one, other) => one - other);
    assert.deepEqual(
      pruned
        .map((/** @type {Letter} */ { id }) => id)
        .sort((/** @type {number} */ one, /** @type {number} */ other) => one - other),
      there,
    );
  });

/** By the filter, a letter stays whose event may still be on its way. */
const pruneRedriven = command("prune all that were redriven", async (model, world) => {
  await world.post("dead-letters/prune", { upTo: 1000, state: "redriven" });
  const all = [...model.letters.values()];
  for (const { id, eventId, sends, sentBefore } of all) {
    const failedAgain = all.some((other) => other.eventId === eventId && other.id >= sentBefore);
    if (sends > 0 && (model.handled.has(eventId) || model.erased.has(eventId) || failedAgain)) {
      model.letters.delete(id);
    }
  }
});

/** @param {string} eventId */
const erase = (eventId) =>
  command(`erase ${eventId}`, async (model, world) => {
    await world.post("erase", { eventId });
    model.erased.add(eventId);
    for (const letter of [...model.letters.values()].filter((one) => one.eventId === eventId)) {
      model.letters.delete(letter.id);
    }
  });

/** @param {boolean} fails */
const deliver = (fails) =>
  command(fails ? "a waiting event fails again" : "a waiting event is handled", async (model, world) => {
    const text = world.queue.shift();
    if (text === undefined) {
      return;
    }
    const { eventId } = JSON.parse(text);
    model.waiting.splice(model.waiting.indexOf(eventId), 1);
    world.fails = fails;
    await world.take("cronozen-events", text);
    world.fails = false;
    await world.store();
    if (model.handled.has(eventId) || model.erased.has(eventId)) {
      return;
    }
    if (fails) {
      buried(model, eventId);
    } else {
      model.handled.add(eventId);
    }
  });

/** @param {string[]} eventIds */
const refuse = (eventIds) =>
  command(`the queue refuses ${eventIds}`, async (_, world) => {
    world.refuses = new Set(eventIds);
  });

test(
  "no sequence of operations sends a letter twice or loses one, and no event has two effects",
  patience,
  async () => {
    mock.timers.enable({ apis: ["Date"], now: Date.UTC(2026, 10, 30) });
    const operators = fc.integer({ min: 1, max: 3 });
    const commands = fc.commands(
      [
        eventId.map(fail),
        operators.map(redriveAll),
        fc.tuple(ids, operators).map(([some, many]) => redriveOpen(some, many)),
        ids.map(redriveAgain),
        ids.map(prune),
        fc.constant(pruneRedriven),
        eventId.map(erase),
        fc.boolean().map(deliver),
        fc.subarray(eventIds).map(refuse),
      ],
      { size: "+1", maxCommands: 40 },
    );
    await assertHolds(
      150,
      fc.asyncProperty(commands, async (sequence) => {
        const world = new World();
        await world.letters.letters({});
        await fc.asyncModelRun(
          () => ({
            model: { letters: new Map(), erased: new Set(), handled: new Set(), nextId: 1, waiting: [] },
            real: world,
          }),
          sequence,
        );
      }),
    );
  },
);
