// Your work goes here: a handler for each type of event. It returns D1 statements, which are applied once for each
// event, however often its message comes.
//
// Cronozen does not document what `data` holds, so the handler of payments is a sample: replace it before you deploy.

import { type Handlers, NonRetryableError, typeOf } from "cronozen-edge/consumer";
import type { Env } from "./env.ts";

export const handlers: Handlers<Env> = {
  "payment.completed": ({ eventId, data }, env) => {
    const { amount, currency } = Object(data);
    if (typeof amount !== "string" || typeof currency !== "string") {
      // The event becomes a dead letter at once: a further attempt would fail, too.
      throw new NonRetryableError("data.amount or data.currency missing or not a string");
    }
    const insert = env.DB.prepare("INSERT INTO payments (event_id, amount, currency) VALUES (?, ?, ?)");
    return insert.bind(eventId, amount, currency);
  },

  // All other types, whole, until you know what they hold. Without it, they would be dead letters.
  "*": (event, env) => {
    const insert = env.DB.prepare("INSERT INTO events (event_id, type, event) VALUES (?, ?, ?)");
    return insert.bind(event.eventId, typeOf(event) ?? null, JSON.stringify(event));
  },
};
