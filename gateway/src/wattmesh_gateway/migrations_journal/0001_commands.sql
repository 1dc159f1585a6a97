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
    overruled_by TEXT NOT NULL DEFAULT '',
    UNIQUE (command, state)
);

-- The setpoints that devices hold: each is released when its lease ends, after a restart too.
CREATE TABLE held (
    device TEXT NOT NULL,
    channel TEXT NOT NULL,
    command TEXT NOT NULL REFERENCES commands (command),
    releasing INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    PRIMARY KEY (device, channel)
) WITHOUT ROWID;

-- What loops may do, by site, until everything that they told has been given back.
CREATE TABLE loop_policies (
    site TEXT PRIMARY KEY,
    document BLOB NOT NULL,
    issue_time_us INTEGER NOT NULL,
    expire_time_us INTEGER NOT NULL
) WITHOUT ROWID;
