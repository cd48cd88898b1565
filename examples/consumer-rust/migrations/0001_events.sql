-- The ledger: one row for each event, which is its claim. It is that of the npm package (`ledgerSchema` in
-- pkg/src/consumer/schema.ts), which makes it at the first use, so it may exist already.
CREATE TABLE IF NOT EXISTS cronozen_events (
  event_id TEXT PRIMARY KEY, type TEXT, created_at TEXT, received_at TEXT, handled_at TEXT NOT NULL,
  attempts INTEGER, outcome TEXT NOT NULL, body_key TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS cronozen_events_by_type
  ON cronozen_events (type, handled_at, event_id, outcome);

-- What this consumer does with an event: it stores it.
CREATE TABLE events (
  event_id TEXT PRIMARY KEY,
  type TEXT,
  event TEXT NOT NULL
);

-- What could not be handled, as it was on the queue.
CREATE TABLE dead_letters (
  message_id TEXT PRIMARY KEY,
  body TEXT NOT NULL
);
