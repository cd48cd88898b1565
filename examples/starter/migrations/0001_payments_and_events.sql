-- The tables of the handlers. The package makes its own.
CREATE TABLE payments (
  event_id TEXT PRIMARY KEY,
  -- A decimal number: a float would round it.
  amount TEXT NOT NULL,
  currency TEXT NOT NULL
) STRICT;

CREATE TABLE events (
  event_id TEXT PRIMARY KEY,
  type TEXT,
  -- The event, as JavaScript reads it, in JSON.
  event TEXT NOT NULL
) STRICT;
