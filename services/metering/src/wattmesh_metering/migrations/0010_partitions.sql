-- Readings by the quarter of the year (UTC), so that what grows without end is many tables of bounded size: on plain
-- PostgreSQL native partitions, on TimescaleDB chunks, of which the older ones become columns. Queries are the same.

-- The partitions of plain PostgreSQL. What was there before is one, as it is: nothing is copied.
CREATE TABLE reading_partitions (
    name text COLLATE "C" PRIMARY KEY,
    start_time timestamptz NOT NULL,
    end_time timestamptz NOT NULL,
    -- since when it holds registers alone (KEEP_GAUGES_DAYS)
    thinned_time timestamptz
);

DO $$
DECLARE
    former_end timestamptz;
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        PERFORM set_chunk_time_interval('readings', INTERVAL '28 days');
        -- The columnstore is not in every build.
        IF current_setting('timescaledb.license', true) = 'timescale' THEN
            ALTER TABLE readings SET (
                timescaledb.compress,
                timescaledb.compress_segmentby = 'point_key',
                timescaledb.compress_orderby = 'measure_time');
            PERFORM add_compression_policy('readings', INTERVAL '90 days', if_not_exists => true);
        END IF;
        RETURN;
    END IF;
    LOCK TABLE readings;
    SELECT date_trunc('quarter', max(measure_time), 'UTC') INTO former_end FROM readings;
    ALTER TABLE readings RENAME TO readings_former;
    ALTER INDEX readings_pkey RENAME TO readings_former_pkey;
    CREATE TABLE readings (
        LIKE readings_former,
        PRIMARY KEY (point_key, measure_time) INCLUDE (value, quality)
    ) PARTITION BY RANGE (measure_time);
    IF former_end IS NULL THEN
        DROP TABLE readings_former;
    ELSE
        former_end := (former_end AT TIME ZONE 'UTC' + INTERVAL '3 months') AT TIME ZONE 'UTC';
        EXECUTE format(
            'ALTER TABLE readings ATTACH PARTITION readings_former FOR VALUES FROM (MINVALUE) TO (%L)',
            former_end);
        INSERT INTO reading_partitions (name, start_time, end_time)
        VALUES ('readings_former', '-infinity', former_end);
    END IF;
END
$$;

-- Makes the partitions for readings of these times where they are missing. In the rights of who owns the tables: a
-- service's own role makes none. Nobody waits for it who reads or writes. What was measured before 2010 is one partition.
CREATE FUNCTION open_partitions(times timestamptz[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    begins timestamptz;
    ends timestamptz;
    partition text;
    early CONSTANT timestamptz := '2010-01-01 00:00Z';
BEGIN
    IF NOT EXISTS (SELECT FROM pg_partitioned_table WHERE partrelid = 'readings'::regclass) THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('wattmesh/reading_partitions', 0));
    FOR begins IN
        SELECT DISTINCT CASE WHEN moment < early THEN '-infinity'
            ELSE date_trunc('quarter', moment, 'UTC') END
        FROM unnest(times) AS moment ORDER BY 1
    LOOP
        CONTINUE WHEN EXISTS (
            SELECT FROM reading_partitions WHERE start_time <= begins AND end_time > begins);
        IF begins = '-infinity' THEN
            ends := early;
            partition := 'readings_early';
        ELSE
            ends := (begins AT TIME ZONE 'UTC' + INTERVAL '3 months') AT TIME ZONE 'UTC';
            partition := to_char(begins AT TIME ZONE 'UTC', '"readings_"YYYY"q"Q');
        END IF;
        EXECUTE format('CREATE TABLE %I (LIKE readings INCLUDING ALL)', partition);
        -- An index alone is read where vacuum has seen the page.
        EXECUTE format(
            'ALTER TABLE %I SET (autovacuum_vacuum_insert_scale_factor = 0.01,'
            ' autovacuum_vacuum_insert_threshold = 100000)', partition);
        EXECUTE format(
            'ALTER TABLE readings ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%L)',
            partition, CASE WHEN begins = '-infinity' THEN 'MINVALUE' ELSE quote_literal(begins) END, ends);
        INSERT INTO reading_partitions (name, start_time, end_time) VALUES (partition, begins, ends);
    END LOOP;
END
$$;

-- Forgets the gauges of the first partition or chunk that ended before a time and still has them; says whether there was
-- one. Registers stay, with all that was ever said of them: bills are made from those. Readers wait for an instant at
-- the end; who has a reading as old as that to keep waits until all is done.
CREATE FUNCTION forget_gauges(before timestamptz, forget_time timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '5s' AS $$
DECLARE
    part record;
    gauges integer[];
    native CONSTANT boolean :=
        EXISTS (SELECT FROM pg_partitioned_table WHERE partrelid = 'readings'::regclass);
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('wattmesh/reading_partitions', 0));
    IF native THEN
        SELECT name, start_time, end_time INTO part FROM reading_partitions
        WHERE end_time <= before AND thinned_time IS NULL ORDER BY start_time LIMIT 1;
    ELSE
        EXECUTE 'SELECT chunk_name::text AS name, range_start AS start_time, range_end AS end_time'
            ' FROM timescaledb_information.chunks'
            ' WHERE hypertable_schema = current_schema() AND hypertable_name = $2'
            ' AND range_end <= $1 AND chunk_name::text NOT IN (SELECT name FROM reading_partitions)'
            ' ORDER BY range_start LIMIT 1'
            INTO part USING before, 'readings';
    END IF;
    IF part.name IS NULL THEN
        RETURN false;
    END IF;
    SELECT coalesce(array_agg(point_key), '{}') INTO gauges FROM points WHERE kind = 'gauge';
    DELETE FROM superseded_readings WHERE point_key = ANY(gauges)
        AND measure_time >= part.start_time AND measure_time < part.end_time;
    IF NOT native THEN
        PERFORM set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', true);
        DELETE FROM readings WHERE point_key = ANY(gauges)
            AND measure_time >= part.start_time AND measure_time < part.end_time;
        INSERT INTO reading_partitions (name, start_time, end_time, thinned_time)
        VALUES (part.name, part.start_time, part.end_time, forget_time);
        RETURN true;
    END IF;
    -- Written anew rather than emptied row by row: the disk has its room back, and a point's readings lie together.
    EXECUTE format('LOCK TABLE %I IN SHARE MODE', part.name);
    CREATE TABLE thinned (LIKE readings INCLUDING ALL);
    EXECUTE format('INSERT INTO thinned SELECT * FROM %I WHERE point_key <> ALL($1)'
        ' ORDER BY point_key, measure_time', part.name) USING gauges;
    EXECUTE format('ALTER TABLE readings DETACH PARTITION %I', part.name);
    EXECUTE format('DROP TABLE %I', part.name);
    EXECUTE format('ALTER TABLE thinned RENAME TO %I', part.name);
    EXECUTE format('ALTER INDEX thinned_pkey RENAME TO %I', part.name || '_pkey');
    EXECUTE format('ALTER TABLE readings ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%L)', part.name,
        CASE WHEN part.start_time = '-infinity' THEN 'MINVALUE' ELSE quote_literal(part.start_time) END,
        part.end_time);
    UPDATE reading_partitions SET thinned_time = forget_time WHERE name = part.name;
    RETURN true;
END
$$;

-- Replicas that are not renewed yet open none: they find the next ones.
DO $$
BEGIN
    -- TimescaleDB's functions and operators are where it was created.
    EXECUTE format(
        'ALTER FUNCTION open_partitions SET search_path = %I, public, pg_temp', current_schema());
    EXECUTE format(
        'ALTER FUNCTION forget_gauges SET search_path = %I, public, pg_temp', current_schema());
    IF EXISTS (SELECT FROM reading_partitions) THEN
        PERFORM open_partitions(ARRAY[now(), now() + INTERVAL '3 months', now() + INTERVAL '6 months']);
    END IF;
END
$$;
REVOKE EXECUTE ON FUNCTION open_partitions, forget_gauges FROM PUBLIC;
