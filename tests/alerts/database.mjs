// D1 on SQLite in this process: a month of runs takes seconds.

import { DatabaseSync } from "node:sqlite";

/** @typedef {{ query: string, values: unknown[], bind: (...values: unknown[]) => Statement, all: () => Promise<any>, run: () => Promise<any> }} Statement */

export class SqliteDatabase {
  #db = new DatabaseSync(":memory:");
  /** The value of `meta.size_after`; by default the size. @type {number | undefined} */
  bytes;
  /** Makes each call fail, or wait. @type {(() => Promise<void>) | undefined} */
  before;
  /** The number of statements: each is a subrequest. */
  statements = 0;

  /** @param {string} query @param {unknown[]} [values] @returns {Statement} */
  prepare(query, values = []) {
    return {
      query,
      values,
      bind: (...bound) => this.prepare(query, bound),
      all: () => this.#call(1, () => this.#run(query, values)),
      run: () => this.#call(1, () => this.#run(query, values)),
    };
  }

  /** @param {Statement[]} statements */
  batch(statements) {
    return this.#call(statements.length, () => {
      this.#db.exec("BEGIN");
      try {
        const results = statements.map(({ query, values }) => this.#run(query, values));
        this.#db.exec("COMMIT");
        return results;
      } catch (error) {
        this.#db.exec("ROLLBACK");
        throw error;
      }
    });
  }

  /** Everything that is stored, as text. */
  dump() {
    const tables = this.#db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    return JSON.stringify(tables.map(({ name }) => this.#db.prepare(`SELECT * FROM ${name}`).all()));
  }

  /** Without a call. @param {string} query @param {...any} values @returns {any[]} */
  query(query, ...values) {
    return this.#run(query, values).results;
  }

  /** @param {number} statements @param {() => any} work */
  async #call(statements, work) {
    this.statements += statements;
    await this.before?.();
    return work();
  }

  /** @param {string} query @param {any[]} values */
  #run(query, values) {
    const statement = this.#db.prepare(query);
    const isNumbered = /\?\d/.test(query);
    const results = isNumbered
      ? statement.all(Object.fromEntries(values.map((value, position) => [`?${position + 1}`, value])))
      : statement.all(...values);
    const [{ size = 0 } = {}] = this.#db
      .prepare("SELECT page_count * page_size AS size FROM pragma_page_count, pragma_page_size")
      .all();
    return { results: results.map((row) => ({ ...row })), meta: { size_after: this.bytes ?? Number(size) } };
  }
}
