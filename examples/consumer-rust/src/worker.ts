// The Worker's entry point: hands each message to the WebAssembly instance.

import { unlessTrapped } from "./guard.js";
import { consume, keepDeadLetter } from "./index.js";

const deadLetters = "cronozen-events-dead";

/** Long enough for a message that traps each time to leave the others in peace; in seconds. */
const delaySeconds = 300;

export default {
  async queue(batch: MessageBatch, env: unknown): Promise<void> {
    const handle = batch.queue === deadLetters ? keepDeadLetter : consume;
    for (const message of batch.messages) {
      // It acknowledges the message or retries it.
      const ended = await unlessTrapped<boolean>((end) => handle(message, env).then(() => end(true)));
      if (ended === undefined) {
        console.error(JSON.stringify({ outcome: "abandoned", id: message.id }));
        message.retry({ delaySeconds });
      }
    }
  },
};
