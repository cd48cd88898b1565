// The Worker's entry point: passes each message to the WebAssembly instance.

import { unlessTrapped } from "./guard.js";
import { consume, keepDeadLetter } from "./index.js";

const deadLetters = "cronozen-events-dead";

/** In seconds: long enough that a message that traps each time does not hold up the others. */
const delaySeconds = 300;

export default {
  async queue(batch: MessageBatch, env: unknown): Promise<void> {
    const handle = batch.queue.startsWith(deadLetters) ? keepDeadLetter : consume;
    for (const message of batch.messages) {
      // The handler acknowledges the message or retries it.
      const completed = await unlessTrapped<boolean>((end) => handle(message, env).then(() => end(true)));
      if (completed === undefined) {
        console.error(JSON.stringify({ outcome: "abandoned", id: message.id }));
        message.retry({ delaySeconds });
      }
    }
  },
};
