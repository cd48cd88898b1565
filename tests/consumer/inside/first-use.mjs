// A consumer whose first use of D1 is held between the look for its tables and their creation.

import { consume, d1 } from "cronozen-edge/consumer";

/** All isolates have looked when this has passed. */
const heldMs = 2000;

/** @type {any} */
let held;

/** @param {any} db */
function holding(db) {
  held ??= {
    prepare: (/** @type {string} */ query) => db.prepare(query),
    async batch(/** @type {any[]} */ statements) {
      const results = await db.batch(statements);
      const looks = statements.length === 2 && results[1].results[0]?.version === null;
      if (looks) {
        await new Promise((resolve) => setTimeout(resolve, heldMs));
      }
      return results;
    },
  };
  return held;
}

export default {
  queue: consume(
    { "*": () => {} },
    { once: d1((/** @type {any} */ env) => holding(env.DB)), deadLetters: () => /** @type {any} */ ({}) },
  ),
};
