// Runs in workerd around the built Worker. Its Durable Object can be filled with many events.

import { stubs } from "./bindings.mjs";
import gateway, { Deduper as OwnDeduper } from "./gateway/worker.js";

/** The end of the added rows: no event of the load has it, and they are never purged. */
const farEnd = Date.UTC(2100);

/** Rows that one statement inserts. */
const batch = 250_000;

/** The ids are random, like those of the load. */
const fill = `INSERT INTO seen (event_id, ends_at)
  WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?)
  SELECT 'evt_' || lower(hex(randomblob(16))) AS id, ? FROM numbers ORDER BY id`;

export class Deduper extends OwnDeduper {
  /** @param {any} ctx @param {any} env */
  constructor(ctx, env) {
    super(ctx, env);
    this.sql = ctx.storage.sql;
  }

  /** Makes the object remember exactly `rows` events. @param {number} rows */
  async remember(rows) {
    // Creates the table.
    await this.alarm();
    this.sql.exec("DELETE FROM seen WHERE ends_at <> ?", farEnd);
    for (let missing = rows - this.#rows(); missing > 0; missing -= batch) {
      this.sql.exec(fill, Math.min(missing, batch), farEnd);
    }
    return this.#rows();
  }

  #rows() {
    return this.sql.exec("SELECT count(*) AS rows FROM seen").one().rows;
  }
}

/** @type {any} */
let environment;

export default {
  /** @param {Request} request @param {any} env @param {any} ctx */
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== "/bench") {
      environment ??= { ...env, ...stubs };
      return gateway.fetch(request, environment, ctx);
    }
    const object = env.DEDUPER.getByName(searchParams.get("shard"));
    return new Response(String(await object.remember(Number(searchParams.get("rows")))));
  },
};
