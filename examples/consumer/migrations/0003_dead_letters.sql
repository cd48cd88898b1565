-- One row for each message that could not be handled. An event that is redriven and fails again has another one.
CREATE TABLE dead_letters (
  -- Grows, so that a list can be read in pages while rows are added.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  -- Not the event's id: a forged message may name another's event, and must not take the place of its dead letter.
  message_id TEXT NOT NULL UNIQUE,
  event_id TEXT,
  type TEXT,
  -- NULL if the queue itself has given up.
  reason TEXT,
  attempts INTEGER,
  failed_at TEXT,
  -- The message as it was.
  text TEXT NOT NULL,
  stored_at TEXT NOT NULL,
  redriven_at TEXT,
  redrives INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX dead_letters_open ON dead_letters (id) WHERE redriven_at IS NULL;
