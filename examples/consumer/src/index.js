// The other end of the queue. A message is delivered at least once, so what handles an event must be
// safe to repeat for one eventId.

const deadLetters = "cronozen-events-dead";

/** @type {ExportedHandler<unknown, string>} */
const consumer = {
  async queue(batch) {
    for (const message of batch.messages) {
      if (batch.queue === deadLetters) {
        bury(message);
      } else {
        handle(message);
      }
    }
  },
};

export default consumer;

/**
 * An application does its work here. Acknowledging one message at a time keeps a failure from
 * repeating its neighbours.
 *
 * @param {Message<string>} message
 */
function handle(message) {
  try {
    const { eventId, type, event } = JSON.parse(message.body);
    console.log(JSON.stringify({ outcome: "consumed", eventId, type, attempt: message.attempts, event }));
    message.ack();
  } catch (error) {
    console.error(JSON.stringify({ outcome: "retried", id: message.id, reason: String(error) }));
    message.retry({ delaySeconds: 30 });
  }
}

/**
 * The last place where a message that could not be handled is seen: it is logged whole.
 *
 * @param {Message<string>} message
 */
function bury(message) {
  console.error(JSON.stringify({ outcome: "dead", id: message.id, body: message.body }));
  message.ack();
}
