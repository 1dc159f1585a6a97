CREATE TABLE alerts (
    name text COLLATE "C" PRIMARY KEY,
    rule text NOT NULL,
    site text COLLATE "C",
    fire_time timestamptz NOT NULL,
    end_time timestamptz,
    revision bigint NOT NULL,
    document jsonb NOT NULL,
    acknowledgement jsonb
);
CREATE INDEX alerts_by_time ON alerts (fire_time DESC, name DESC);
CREATE INDEX alerts_by_site ON alerts (site, fire_time DESC, name DESC);
CREATE INDEX alerts_firing ON alerts (name) WHERE end_time IS NULL;
CREATE INDEX alerts_by_revision ON alerts (revision);

CREATE TABLE silences (
    name text COLLATE "C" PRIMARY KEY,
    request_id text NOT NULL UNIQUE,
    create_time timestamptz NOT NULL,
    expire_time timestamptz NOT NULL,
    document jsonb NOT NULL
);
CREATE INDEX silences_by_end ON silences (expire_time);
