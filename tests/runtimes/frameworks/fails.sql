-- Makes one event fail, as handle.js does.
CREATE TRIGGER fails BEFORE INSERT ON events WHEN NEW.event_id = 'evt_fails'
BEGIN
  SELECT RAISE(ABORT, 'handle failed');
END;
