-- The setpoints that devices hold: each is released when its lease ends, after a restart too.
CREATE TABLE held (
    device TEXT NOT NULL,
    channel TEXT NOT NULL,
    command TEXT NOT NULL REFERENCES commands (command),
    releasing INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    PRIMARY KEY (device, channel)
) WITHOUT ROWID;
