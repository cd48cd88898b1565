// The Worker's entry point: hands each message to the WebAssembly instance.

import { unlessTrapped } from "./guard.js";
import { consume, keepDeadLetter } from "./index.js";

const deadLetters = "cronozen-events-dead";

/** Long enough for a message that traps each time to leave the others in peace; in seconds. */
const delaySeconds = 300;

export default {
  /**
   * @param {{ queue: string, messages: readonly any[] }} batch
   * @param {unknown} env
   */
  async queue(batch, env) {
    const handle = batch.queue === deadLetters ? keepDeadLetter : consume;
    for (const message of batch.messages) {
      // It acknowledges the message or retries it.
      const ended = await unlessTrapped((/** @type {(ended: boolean) => void} */ end) =>
        handle(message, env).then(() => end(true)),
      );
      if (ended === undefined) {
        console.error(JSON.stringify({ outcome: "abandoned", id: message.id }));
        message.retry({ delaySeconds });
      }
    }
  },
};
