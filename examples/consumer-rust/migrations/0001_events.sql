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
