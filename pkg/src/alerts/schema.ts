// The tables of the alerts. They lie in the database of the dead letters.

import type { Schema } from "../consumer/schema.ts";

export const alertSchema: Schema = {
  name: "alerts",
  versions: [
    [
      // `clear_at` is when the condition was first seen to be gone, `message_at` when a message was last due.
      `CREATE TABLE IF NOT EXISTS cronozen_incidents (
        id INTEGER PRIMARY KEY AUTOINCREMENT, rule TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL,
        details TEXT NOT NULL, opened_at TEXT NOT NULL, seen_at TEXT NOT NULL, clear_at TEXT, closed_at TEXT,
        message_at TEXT NOT NULL, messages INTEGER NOT NULL DEFAULT 1, muted_until TEXT, muted_by TEXT
      ) STRICT`,
      // A rule has one open incident at most.
      "CREATE UNIQUE INDEX IF NOT EXISTS cronozen_incidents_open ON cronozen_incidents (rule) WHERE closed_at IS NULL",
      "CREATE INDEX IF NOT EXISTS cronozen_incidents_closed ON cronozen_incidents (closed_at)",
      // The newest message of each incident for each sink, and how far it has got. A newer one replaces it. `unconfirmed`
      // counts the runs in a row that may have sent it, and were broken off before they noted that.
      `CREATE TABLE IF NOT EXISTS cronozen_incident_messages (
        incident INTEGER NOT NULL, sink TEXT NOT NULL, kind TEXT NOT NULL, due_at TEXT NOT NULL, sent_at TEXT,
        attempts INTEGER NOT NULL DEFAULT 0, unconfirmed INTEGER NOT NULL DEFAULT 0, try_at TEXT, failed_at TEXT, reason TEXT,
        PRIMARY KEY (incident, sink)
      ) STRICT, WITHOUT ROWID`,
      `CREATE INDEX IF NOT EXISTS cronozen_incident_messages_due ON cronozen_incident_messages (incident)
        WHERE sent_at IS NULL`,
      // One row: the lease of the run, and what the last one has found. `failures` counts the runs in a row.
      `CREATE TABLE IF NOT EXISTS cronozen_alert_run (
        id INTEGER PRIMARY KEY CHECK (id = 1), lease TEXT, leased_until TEXT, ran_at TEXT, cleaned_at TEXT,
        failures TEXT NOT NULL, not_watched TEXT NOT NULL, problems TEXT NOT NULL
      ) STRICT`,
      `INSERT INTO cronozen_alert_run (id, failures, not_watched, problems) VALUES (1, '{}', '[]', '[]')
        ON CONFLICT (id) DO NOTHING`,
    ],
  ],
};
