// Your work goes here: a handler for each type of event. It returns D1 statements, which are applied once for each
// event, however often its message comes.
//
// Cronozen does not document what `data` holds. The handlers of payments and certificates are samples: replace them
// before you deploy, or a payload of another shape becomes a dead letter. "*" stores whole events.

import { ifNewest, NonRetryableError, typeOf } from "cronozen-edge/consumer";

/**
 * @typedef {import("./index.js").Env} Env
 * @typedef {import("cronozen-edge/consumer").CronozenEvent} CronozenEvent
 * @typedef {import("cronozen-edge/consumer").Handlers<Env>} Handlers
 */

/** No currency has more than four digits after the point. */
const amountPattern = /^\d{1,11}(\.\d{1,4})?$/;

const currencyPattern = /^[A-Z]{3}$/;

/** @satisfies {Handlers} */
export const handlers = {
  "payment.completed": (/** @type {CronozenEvent} */ event, /** @type {Env} */ env) => payment("completed", event, env),
  "payment.failed": (/** @type {CronozenEvent} */ event, /** @type {Env} */ env) => payment("failed", event, env),

  "certificate.issued": (event, env, { window }) => {
    // A time far ahead would make all later states outdated.
    if (window === "unknown") {
      throw new NonRetryableError("createdAt missing, unreadable, or more than an hour ahead");
    }
    const data = dataOf(event);
    const { certificateId } = data;
    if (typeof certificateId !== "string" || certificateId === "") {
      throw new NonRetryableError("data.certificateId missing or not a string");
    }
    // Events come in any order: an older state must not replace a newer one.
    return ifNewest(
      `certificate:${certificateId}`,
      env.DB.prepare(
        `INSERT INTO certificates (certificate_id, event_id, created_at, data) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (certificate_id) DO UPDATE SET event_id = ?2, created_at = ?3, data = ?4`,
      ).bind(certificateId, event.eventId, event.createdAt, JSON.stringify(data)),
    );
  },

  // Without it, an event without a handler is a dead letter. Cronozen adds types: they must not hide real failures.
  "*": (event, env) =>
    env.DB.prepare("INSERT INTO events (event_id, type, event) VALUES (?, ?, ?)").bind(
      event.eventId,
      typeOf(event) ?? null,
      JSON.stringify(event),
    ),
};

/**
 * Records a payment. An event without a valid amount becomes a dead letter, not a wrong row.
 *
 * @param {"completed" | "failed"} outcome
 * @param {CronozenEvent} event
 * @param {Env} env
 */
function payment(outcome, event, env) {
  const { amount, currency } = dataOf(event);
  // A string, or a whole number: JavaScript rounds other numbers when it parses them.
  const text = Number.isSafeInteger(amount) && !Object.is(amount, -0) ? String(amount) : amount;
  if (typeof text !== "string" || !amountPattern.test(text)) {
    throw new NonRetryableError("data.amount missing, or neither a string with a decimal number nor a whole number");
  }
  if (typeof currency !== "string" || !currencyPattern.test(currency)) {
    throw new NonRetryableError("data.currency missing or not three capital letters");
  }
  const createdAt = typeof event.createdAt === "string" ? event.createdAt : null;
  return env.DB.prepare(
    "INSERT INTO payments (event_id, outcome, amount, currency, created_at, recorded_at) VALUES (?, ?, ?, ?, ?, ?)",
  ).bind(event.eventId, outcome, text, currency, createdAt, new Date().toISOString());
}

/** Cronozen does not document its fields. @param {CronozenEvent} event @returns {Record<string, unknown>} */
function dataOf({ data }) {
  return Object(data);
}
