// Your work goes here: a handler for each type of event. It returns D1 statements, which are applied once for each
// event, however often its message comes.

import { ifNewest, ignore, Permanent } from "cronozen-edge/consumer";

/**
 * @typedef {import("./index.js").Env} Env
 * @typedef {import("cronozen-edge/consumer").CronozenEvent} CronozenEvent
 * @typedef {import("cronozen-edge/consumer").Handlers<Env>} Handlers
 */

/**
 * Up to 15 digits, four of them after the point, as no currency has more. So many survive as a JSON number, too: as a
 * text it is again what was sent.
 */
const amountPattern = /^\d{1,11}(\.\d{1,4})?$/;

const currencyPattern = /^[A-Z]{3}$/;

/** @satisfies {Handlers} */
export const handlers = {
  "payment.completed": (/** @type {CronozenEvent} */ event, /** @type {Env} */ env) => payment("completed", event, env),
  "payment.failed": (/** @type {CronozenEvent} */ event, /** @type {Env} */ env) => payment("failed", event, env),

  "certificate.issued": (event, env) => {
    const data = dataOf(event);
    const { certificateId } = data;
    if (typeof certificateId !== "string" || certificateId === "") {
      throw new Permanent("expected data.certificateId as a text, got none");
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

  // Without it, what has no handler is a dead letter. Cronozen adds types: they must not bury what has really failed.
  "*": ignore,
};

/**
 * A row in the ledger. An event that does not say how much was paid is better a dead letter than a wrong row.
 *
 * @param {"completed" | "failed"} outcome
 * @param {CronozenEvent} event
 * @param {Env} env
 */
function payment(outcome, event, env) {
  const { amount, currency } = dataOf(event);
  if ((typeof amount !== "string" && typeof amount !== "number") || !amountPattern.test(String(amount))) {
    throw new Permanent("expected data.amount as a decimal number of up to 15 digits, got none");
  }
  if (typeof currency !== "string" || !currencyPattern.test(currency)) {
    throw new Permanent("expected data.currency as three capital letters, got none");
  }
  return env.DB.prepare(
    "INSERT INTO payments (event_id, outcome, amount, currency, created_at, recorded_at) VALUES (?, ?, ?, ?, ?, ?)",
  ).bind(event.eventId, outcome, String(amount), currency, event.createdAt ?? null, new Date().toISOString());
}

/** Cronozen does not document what it holds. @param {CronozenEvent} event @returns {Record<string, unknown>} */
function dataOf({ data }) {
  return typeof data === "object" && data !== null ? { ...data } : {};
}
