CREATE TABLE scenarios (
    name text COLLATE "C" PRIMARY KEY,
    request_id text NOT NULL UNIQUE,
    start_time timestamptz NOT NULL,
    -- When whoever runs it last said so, by the database's own clock.
    heartbeat timestamptz NOT NULL,
    cancelled boolean NOT NULL DEFAULT false,
    document jsonb NOT NULL
);
CREATE INDEX scenarios_by_time ON scenarios (start_time DESC, name DESC);

CREATE TABLE settlements (
    site text NOT NULL,
    day date NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    document jsonb NOT NULL,
    -- Energies as little-endian doubles, to tell later what has changed.
    import_wh bytea NOT NULL,
    export_wh bytea NOT NULL,
    PRIMARY KEY (site, day, version)
);
