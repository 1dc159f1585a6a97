-- Charging sessions as they were last told, and whether that has been handed on.
CREATE TABLE sessions (
    session TEXT PRIMARY KEY,
    document TEXT NOT NULL,
    measure_time_us INTEGER NOT NULL,
    sent INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX sessions_to_send ON sessions (sent, measure_time_us);
