-- Rows are added, never changed.
CREATE TABLE payments (
  event_id TEXT PRIMARY KEY,
  outcome TEXT NOT NULL CHECK (outcome IN ('completed', 'failed')),
  -- A decimal number: a float would round it.
  amount TEXT NOT NULL,
  currency TEXT NOT NULL,
  -- When it happened, as the sender's text has it; NULL if there is none.
  created_at TEXT,
  recorded_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The newest state of each certificate.
CREATE TABLE certificates (
  certificate_id TEXT PRIMARY KEY,
  event_id TEXT NOT NULL,
  created_at TEXT NOT NULL,
  -- The event's data, as JavaScript reads it, in JSON.
  data TEXT NOT NULL
) STRICT, WITHOUT ROWID;
