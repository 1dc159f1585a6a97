-- Whether a device let go of a command; null: it was never to.
ALTER TABLE commands ADD COLUMN release_state text;
ALTER TABLE commands ADD COLUMN release_time timestamptz;
ALTER TABLE commands ADD COLUMN release_message text;
CREATE INDEX pending_releases ON commands (device) WHERE release_state = 'pending';
