-- Who sends readings, and how many came of it. Written in the transaction of the readings.
CREATE TABLE sources (
    source_key smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    stored bigint NOT NULL DEFAULT 0,
    duplicates bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    last_sequence bigint NOT NULL DEFAULT 0,
    last_commit_time timestamptz
);

-- point_key refers to points and source_key to sources; a foreign key would cost every row a look-up.
-- quality: 1 measured, 2 estimated, 3 substituted.
CREATE TABLE readings (
    point_key integer NOT NULL,
    source_key smallint NOT NULL,
    quality smallint NOT NULL,
    measure_time timestamptz NOT NULL,
    value double precision NOT NULL,
    PRIMARY KEY (point_key, measure_time)
);

-- Readings at which a register began anew, e.g. after an exchange of the meter.
CREATE TABLE register_resets (
    point_key integer NOT NULL,
    measure_time timestamptz NOT NULL,
    PRIMARY KEY (point_key, measure_time)
);

-- What was refused, as it was sent. A batch that is sent again is refused again but stands here once.
CREATE TABLE rejected_readings (
    source_key smallint NOT NULL,
    sequence bigint NOT NULL,
    row_index integer NOT NULL,
    point text NOT NULL,
    measure_time_us bigint,
    value double precision,
    reason text NOT NULL,
    message text NOT NULL,
    reject_time timestamptz NOT NULL,
    CONSTRAINT rejected_readings_once
        UNIQUE NULLS NOT DISTINCT (source_key, sequence, row_index, point, measure_time_us)
);
