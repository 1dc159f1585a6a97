-- Readings that metering has not acknowledged; `sequence` is their position, never used twice.
CREATE TABLE readings (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    point INTEGER NOT NULL REFERENCES points (id),
    measure_time_us INTEGER NOT NULL,
    value REAL NOT NULL,
    quality TEXT NOT NULL
);

CREATE TABLE points (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

-- Keys of readings taken in of late, forwarded or not: a repeated telegram is known by them.
CREATE TABLE seen (
    measure_time_us INTEGER NOT NULL,
    point INTEGER NOT NULL REFERENCES points (id),
    PRIMARY KEY (measure_time_us, point)
) WITHOUT ROWID;

-- What was counted since the spool was made.
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

-- The devices as metering last told them.
CREATE TABLE devices (
    name TEXT PRIMARY KEY,
    document TEXT NOT NULL
) WITHOUT ROWID;

-- Commands taken in.
CREATE TABLE commands (
    command TEXT PRIMARY KEY,
    device TEXT NOT NULL,
    kind TEXT NOT NULL,
    value REAL NOT NULL,
    lease_expire_time_us INTEGER NOT NULL,
    sequence INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX commands_by_device ON commands (device, sequence);

-- What became of them, in the order in which it did.
CREATE TABLE reports (
    id INTEGER PRIMARY KEY,
    command TEXT NOT NULL REFERENCES commands (command),
    state TEXT NOT NULL,
    report_time_us INTEGER NOT NULL,
    value REAL,
    message TEXT NOT NULL,
    sent INTEGER NOT NULL DEFAULT 0,
    UNIQUE (command, state)
);
