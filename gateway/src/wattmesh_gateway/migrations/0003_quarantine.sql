-- Telegrams of which something made no sense, set aside to be looked at and replayed.
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    origin TEXT NOT NULL,
    device TEXT,
    reason TEXT NOT NULL,
    payload BLOB NOT NULL,
    payload_bytes INTEGER NOT NULL,
    arrival_us INTEGER NOT NULL
);

CREATE INDEX quarantine_by_device ON quarantine (device, id);
