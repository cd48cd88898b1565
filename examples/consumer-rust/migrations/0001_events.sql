CREATE TABLE events (
  event_id TEXT PRIMARY KEY,
  type TEXT,
  event TEXT NOT NULL
);
