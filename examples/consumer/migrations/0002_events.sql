-- All other events, whole: Cronozen does not document what their data holds.
CREATE TABLE events (
  event_id TEXT PRIMARY KEY,
  type TEXT,
  -- The event, as JavaScript reads it, in JSON.
  event TEXT NOT NULL
) STRICT, WITHOUT ROWID;
