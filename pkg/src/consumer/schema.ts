// Makes the package's tables at their first use, so that nobody has to apply a migration.

import type { Database } from "./platform.ts";

/** A group of tables that lie in one database. `versions` has the statements of each version, which are only added to. */
export interface Schema {
  readonly name: string;
  readonly versions: readonly (readonly string[])[];
}

/**
 * The outcome of each event. A later version may add columns that take NULL, and tables; it claims an event by the same
 * key in the same table, so that versions of the package work side by side.
 *
 * WITHOUT ROWID and with one index, an event writes two rows.
 */
export const ledgerSchema: Schema = {
  name: "ledger",
  versions: [
    [
      // The claim: its insertion fails if the event has had its effect. A row is never updated.
      `CREATE TABLE IF NOT EXISTS cronozen_events (
        event_id TEXT PRIMARY KEY, type TEXT, created_at TEXT, received_at TEXT, handled_at TEXT NOT NULL,
        attempts INTEGER, outcome TEXT NOT NULL, body_key TEXT
      ) STRICT, WITHOUT ROWID`,
      // In the order of a search; the outcome comes last, so that events are counted from the index alone.
      `CREATE INDEX IF NOT EXISTS cronozen_events_by_type
        ON cronozen_events (type, handled_at, event_id, outcome)`,
      // `ifNewest` writes a NULL for an older state, so that the table refuses it.
      `CREATE TABLE IF NOT EXISTS cronozen_newest (
        entity TEXT PRIMARY KEY, created_at TEXT NOT NULL
      ) STRICT, WITHOUT ROWID`,
      `CREATE TABLE IF NOT EXISTS cronozen_ignored (
        event_id TEXT PRIMARY KEY, type TEXT, created_at TEXT, received_at TEXT, ignored_at TEXT NOT NULL,
        attempts INTEGER, body_key TEXT
      ) STRICT, WITHOUT ROWID`,
      "CREATE INDEX IF NOT EXISTS cronozen_ignored_by_type ON cronozen_ignored (type, ignored_at)",
      // Events whose data has been erased: a dead letter of one that comes late is not stored.
      `CREATE TABLE IF NOT EXISTS cronozen_erased (
        event_id TEXT PRIMARY KEY, erased_at TEXT NOT NULL
      ) STRICT, WITHOUT ROWID`,
    ],
    [
      // When a message that has failed comes again.
      `CREATE TABLE IF NOT EXISTS cronozen_retries (
        event_id TEXT PRIMARY KEY, next_at TEXT NOT NULL
      ) STRICT, WITHOUT ROWID`,
      "CREATE INDEX IF NOT EXISTS cronozen_retries_by_time ON cronozen_retries (next_at)",
    ],
  ],
};

/** The dead letters, and what operators did. `text` comes last: SQLite then reads the other columns without it. */
export const deadLetterSchema: Schema = {
  name: "dead_letters",
  versions: [
    [
      // The key is not the event's id: a forged message may name another's event, and must not take its place.
      `CREATE TABLE IF NOT EXISTS cronozen_dead_letters (
        id INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT NOT NULL UNIQUE, event_id TEXT, type TEXT,
        reason TEXT, attempts INTEGER, failed_at TEXT, queue TEXT NOT NULL, stored_at TEXT NOT NULL,
        redriven_at TEXT, redrives INTEGER NOT NULL DEFAULT 0, lease TEXT, leased_until TEXT,
        bytes INTEGER NOT NULL, text TEXT NOT NULL
      ) STRICT`,
      "CREATE INDEX IF NOT EXISTS cronozen_dead_letters_open ON cronozen_dead_letters (id) WHERE redriven_at IS NULL",
      "CREATE INDEX IF NOT EXISTS cronozen_dead_letters_by_event ON cronozen_dead_letters (event_id)",
      "CREATE INDEX IF NOT EXISTS cronozen_dead_letters_by_type ON cronozen_dead_letters (type, stored_at)",
      // One row, kept by triggers: a count of all rows at each new dead letter would read them all.
      `CREATE TABLE IF NOT EXISTS cronozen_dead_letter_totals (
        id INTEGER PRIMARY KEY CHECK (id = 1), letters INTEGER NOT NULL, open INTEGER NOT NULL, bytes INTEGER NOT NULL
      ) STRICT`,
      `INSERT INTO cronozen_dead_letter_totals SELECT 1, count(*), count(*) - count(redriven_at), coalesce(sum(bytes), 0)
        FROM cronozen_dead_letters WHERE true ON CONFLICT (id) DO NOTHING`,
      `CREATE TRIGGER IF NOT EXISTS cronozen_dead_letter_added AFTER INSERT ON cronozen_dead_letters BEGIN
        UPDATE cronozen_dead_letter_totals
        SET letters = letters + 1, open = open + (new.redriven_at IS NULL), bytes = bytes + new.bytes;
      END`,
      `CREATE TRIGGER IF NOT EXISTS cronozen_dead_letter_removed AFTER DELETE ON cronozen_dead_letters BEGIN
        UPDATE cronozen_dead_letter_totals
        SET letters = letters - 1, open = open - (old.redriven_at IS NULL), bytes = bytes - old.bytes;
      END`,
      `CREATE TRIGGER IF NOT EXISTS cronozen_dead_letter_redriven AFTER UPDATE OF redriven_at ON cronozen_dead_letters BEGIN
        UPDATE cronozen_dead_letter_totals
        SET open = open + (new.redriven_at IS NULL) - (old.redriven_at IS NULL);
      END`,
      // A row without a result is a change that was started, and whose end is unknown.
      `CREATE TABLE IF NOT EXISTS cronozen_audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
        details TEXT NOT NULL, result TEXT
      ) STRICT`,
    ],
    [
      // Accepted events that were found nowhere.
      `CREATE TABLE IF NOT EXISTS cronozen_missing (
        event_id TEXT PRIMARY KEY, type TEXT, accepted_at TEXT NOT NULL, position INTEGER NOT NULL,
        unaccounted_at TEXT
      ) STRICT, WITHOUT ROWID`,
      // One row: from where the next check of the accepted events goes on.
      `CREATE TABLE IF NOT EXISTS cronozen_loss_check (
        id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL, store_id TEXT, position INTEGER NOT NULL,
        seen_to TEXT NOT NULL, known_to TEXT NOT NULL, queued INTEGER NOT NULL, not_kept INTEGER NOT NULL
      ) STRICT`,
      // An event that was accepted before does not count: nothing has recorded what became of it.
      `INSERT INTO cronozen_loss_check VALUES (1, 0, NULL, 0, '', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 0, 0)
        ON CONFLICT (id) DO NOTHING`,
    ],
  ],
};

const versionTable = `CREATE TABLE IF NOT EXISTS cronozen_schema (
  name TEXT NOT NULL, version INTEGER NOT NULL, made_at TEXT NOT NULL, PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID`;

const newestVersion = "SELECT max(version) AS version FROM cronozen_schema WHERE name = ?";

// Fails if another isolate has made this version in the meantime, and with it the statements of this one.
const addVersion = "INSERT INTO cronozen_schema (name, version, made_at) VALUES (?, ?, ?)";

/** The databases that have a schema's tables. A promise would not do: one request cannot wait for another's. */
const made = new Map<Schema, WeakSet<Database>>();

/**
 * Makes the tables that are missing, and returns the database. It looks once for each database binding in an isolate. A table
 * that has been dropped is not made again: without the claims, events would have a second effect.
 */
export async function withTables(db: Database, schema: Schema): Promise<Database> {
  const done = made.get(schema) ?? new WeakSet();
  made.set(schema, done);
  if (done.has(db)) {
    return db;
  }
  let version = await versionOf(db, schema);
  while (version < schema.versions.length) {
    version = await makeNext(db, schema, version);
  }
  done.add(db);
  return db;
}

/** Returns the newest version that the database has, 0 if none. */
async function versionOf(db: Database, { name }: Schema): Promise<number> {
  const [, found] = await db.batch([db.prepare(versionTable), db.prepare(newestVersion).bind(name)]);
  return Number(Object(found?.results[0]).version ?? 0);
}

/** Makes the version after this one, and returns the newest that the database then has. */
async function makeNext(db: Database, schema: Schema, version: number): Promise<number> {
  const statements = (schema.versions[version] ?? []).map((statement) => db.prepare(statement));
  const row = db.prepare(addVersion).bind(schema.name, version + 1, new Date().toISOString());
  try {
    await db.batch([...statements, row]);
    return version + 1;
  } catch (error) {
    const newest = await versionOf(db, schema);
    if (newest === version) {
      throw error;
    }
    return newest;
  }
}
