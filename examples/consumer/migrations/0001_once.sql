-- What cronozen-edge/consumer needs: the events that have had their effect, and how new the state of each entity is.

CREATE TABLE cronozen_claims (event_id TEXT PRIMARY KEY, claimed_at TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE cronozen_newest (entity TEXT PRIMARY KEY, created_at TEXT NOT NULL) STRICT, WITHOUT ROWID;
