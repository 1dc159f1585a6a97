-- What was measured is kept as it came, with when it came; what validation finds stands beside it.

-- When a reading came and from whom: the milliseconds since 2000 shifted by 22 bits, and its source's key in
-- these (see adapters/receipts.py). NULL: before it was noted; the source is in source_key then.
ALTER TABLE readings ADD COLUMN received bigint;
ALTER TABLE sources ALTER COLUMN source_key TYPE integer;
ALTER TABLE sources ADD COLUMN revised bigint NOT NULL DEFAULT 0;
ALTER TABLE rejected_readings ALTER COLUMN source_key TYPE integer;
CREATE INDEX rejected_readings_by_time ON rejected_readings (source_key, reject_time);

-- Values that stood in readings until another one came for the same point and time. `until` is the
-- receipt of the one that took the place.
CREATE TABLE superseded_readings (
    point_key integer NOT NULL,
    measure_time timestamptz NOT NULL,
    value double precision NOT NULL,
    quality smallint NOT NULL,
    source_key smallint NOT NULL,
    received bigint,
    until bigint NOT NULL
);
CREATE INDEX superseded_readings_by_key ON superseded_readings (point_key, measure_time);

-- What was committed and is not judged and counted yet: per group, packed rows (adapters/receipts.py).
CREATE TABLE arrivals (
    arrival_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    commit_time timestamptz NOT NULL,
    touched bytea NOT NULL
);

-- What validation found: from the first to the last reading that is meant. `lift`: what a register lost
-- there without any energy flowing, NaN when nobody knows. A flag that holds no longer keeps its row.
CREATE TABLE reading_flags (
    flag_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    point_key integer NOT NULL,
    start_time timestamptz NOT NULL,
    end_time timestamptz NOT NULL,
    kind text NOT NULL,
    excludes boolean NOT NULL,
    lift double precision,
    message text NOT NULL,
    raise_time timestamptz NOT NULL,
    clear_time timestamptz
);
CREATE INDEX reading_flags_by_point ON reading_flags (point_key, start_time) WHERE clear_time IS NULL;
CREATE INDEX reading_flags_past ON reading_flags (point_key, start_time) WHERE clear_time IS NOT NULL;

-- Where a meter was exchanged, as somebody said: the register goes on higher by `lift`, what the old meter
-- showed last less what the new one showed first.
CREATE TABLE meter_exchanges (
    point_key integer NOT NULL,
    exchange_time timestamptz NOT NULL,
    lift double precision NOT NULL,
    final_value double precision NOT NULL,
    initial_value double precision NOT NULL,
    note text NOT NULL,
    actor text NOT NULL,
    declare_time timestamptz NOT NULL,
    PRIMARY KEY (point_key, exchange_time)
);

-- What is kept of each device, by source; arrivals are still to be added.
CREATE TABLE device_counts (
    source_key integer NOT NULL,
    device text COLLATE "C" NOT NULL,
    stored bigint NOT NULL,
    telegrams bigint NOT NULL,
    PRIMARY KEY (source_key, device)
);
INSERT INTO device_counts (source_key, device, stored, telegrams)
SELECT counted.source_key, points.device, sum(counted.stored), max(counted.stored)
FROM (SELECT point_key, source_key, count(*) AS stored FROM readings GROUP BY 1, 2) AS counted
JOIN points USING (point_key)
GROUP BY 1, 2;
