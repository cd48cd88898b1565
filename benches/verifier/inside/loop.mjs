// The part of the bench that runs inside each runtime: it verifies one body again and again.

import { inputOf } from "./bodies.mjs";
import { contenders } from "./contenders.mjs";

/** Untimed calls before each sample, as a share of the timed ones: other processes have used the caches. */
const untimed = 0.1;

/** @param {string} runtime */
export async function startLoop(runtime) {
  const list = await contenders(runtime);
  return {
    contenders: list.map(({ name, forms, parses }) => ({ name, forms, parses })),
    /** @param {import("../types.js").Request} request @returns {Promise<import("../types.js").Reply>} */
    async run(request) {
      const contender = list.find(({ name }) => name === request.contender);
      if (contender === undefined) {
        throw new Error(`expected a contender, got ${request.contender}`);
      }
      const input = inputOf(request.body, request.form, contender.buffer ?? false);
      const header = request.headers[contender.header];
      try {
        await repeat(contender.accepts, input, header, Math.floor(request.count * untimed));
        const started = performance.now();
        const accepted = await repeat(contender.accepts, input, header, request.count);
        return { accepted, milliseconds: performance.now() - started };
      } catch (error) {
        return { accepted: 0, milliseconds: 0, error: String(error) };
      }
    },
  };
}

/**
 * Returns how often a body is accepted. Awaits only the answers that are promises.
 *
 * @param {import("../types.js").Contender["accepts"]} accepts
 * @param {unknown} body
 * @param {unknown} header
 * @param {number} count
 */
async function repeat(accepts, body, header, count) {
  let accepted = 0;
  for (let left = count; left > 0; left -= 1) {
    const answer = accepts(body, header);
    if (answer === true || (answer !== false && (await answer))) {
      accepted += 1;
    }
  }
  return accepted;
}
