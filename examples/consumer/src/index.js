// The other end of the queue. A message is delivered at least once, so what handles an event must be
// safe to repeat for one eventId.

const deadLetters = "cronozen-events-dead";

/** The first retry comes after this time, each further one after twice as long. */
const firstDelaySeconds = 30;

/** The most that Cloudflare Queues allows: 12 hours. */
const maxDelaySeconds = 43_200;

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
 * Your work goes here. Acknowledging one message at a time keeps a failure from repeating its
 * neighbours.
 *
 * @param {Message<string>} message
 */
function handle(message) {
  try {
    // type is null if the event has none.
    const { eventId, type, event } = JSON.parse(message.body);
    console.log(JSON.stringify({ outcome: "consumed", eventId, type, attempt: message.attempts, event }));
    message.ack();
  } catch (error) {
    console.error(JSON.stringify({ outcome: "retried", id: message.id, reason: String(error) }));
    message.retry({ delaySeconds: Math.min(firstDelaySeconds * 2 ** (message.attempts - 1), maxDelaySeconds) });
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
