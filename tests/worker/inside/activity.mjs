// The Durable Object `Activity`, controlled by a test.

import { Activity as RealActivity } from "./gateway/worker.js";

export class Activity extends RealActivity {
  /** @param {any} ctx @param {any} env */
  constructor(ctx, env) {
    super(ctx, env);
    this.real = ctx;
  }

  /** Ends the object, with all that it holds in memory. */
  async restart() {
    this.real.abort("asked for by a test");
  }

  /** Deletes all that is stored, and ends the object. */
  async reset() {
    await this.real.storage.deleteAll();
    this.real.abort("asked for by a test");
  }
}
