// The starter's consumer, made fast and faulty: retries come at once, each dead letter is delivered twice, messages of the
// type test.vanishes are acknowledged and not handled, and the Worker fails while D1 has the table worker_is_broken.

import starter from "../../../examples/starter/src/consumer.ts";

/** @type {ExportedHandler<import("../../../examples/starter/src/env.ts").Env, string>} */
const hurried = {
  async queue(batch, env, context) {
    const broken = env.DB.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'worker_is_broken'");
    if (batch.queue === "cronozen-events" && (await broken.first()) !== null) {
      throw new Error("as the test wants it");
    }
    if (batch.queue === "cronozen-events-dead") {
      await starter.queue(
        /** @type {any} */ ({ queue: batch.queue, messages: batch.messages.map(unacknowledged) }),
        env,
        context,
      );
    }
    const messages = batch.messages.filter(({ body }) => !body.includes('"test.vanishes"'));
    await starter.queue(
      /** @type {any} */ ({ queue: batch.queue, messages: messages.map(withoutDelay) }),
      env,
      context,
    );
  },

  /** Answers as if it were as many minutes later as the header says. */
  async fetch(request, env) {
    const { now } = Date;
    const ahead = Number(request.headers.get("x-test-minutes-ahead")) * 60_000;
    Date.now = () => now() + ahead;
    try {
      return await starter.fetch(request, env);
    } finally {
      Date.now = now;
    }
  },
};

export default hurried;

/** Loses the acknowledgement. @param {Message} message */
function unacknowledged({ id, timestamp, body, attempts }) {
  return { id, timestamp, body, attempts, ack() {}, retry() {} };
}

/** @param {Message} message */
function withoutDelay(message) {
  const { id, timestamp, body, attempts } = message;
  return {
    id,
    timestamp,
    body,
    attempts,
    ack: () => message.ack(),
    retry({ delaySeconds = 0 }) {
      console.log(JSON.stringify({ outcome: "asked for a delay", delaySeconds, id }));
      message.retry({ delaySeconds: 0 });
    },
  };
}
