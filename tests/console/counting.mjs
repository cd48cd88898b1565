// A D1 database that counts the rows that its statements read.

/** The rows that were read, the milliseconds that SQLite took, and the text of each query. */
export class Reads {
  rows = 0;
  sqlMs = 0;
  /** @type {string[]} */
  queries = [];

  /** @param {any} db */
  of(db) {
    return {
      prepare: (/** @type {string} */ query) => {
        this.queries.push(query);
        return this.#statement(db.prepare(query));
      },
      batch: async (/** @type {any[]} */ statements) => {
        const results = await db.batch(statements.map(({ inner }) => inner));
        results.forEach(this.#add);
        return results;
      },
    };
  }

  /** @param {any} inner @returns {any} */
  #statement(inner) {
    return {
      inner,
      bind: (/** @type {unknown[]} */ ...values) => this.#statement(inner.bind(...values)),
      all: async () => {
        const result = await inner.all();
        this.#add(result);
        return result;
      },
    };
  }

  #add = (/** @type {{ meta: { rows_read: number, duration: number } }} */ { meta }) => {
    this.rows += meta.rows_read;
    this.sqlMs += meta.duration;
  };
}
