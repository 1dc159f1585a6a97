-- Replaces cac9c3d9a518df8bbb1f47a2e2aac687694fef9492b9decbc32b56c05d58ba7f,
-- which failed where the extension was at hand and not preloaded.

-- Where TimescaleDB is at hand, readings become a hypertable; without it nothing changes. Created without having been
-- preloaded, it would end the connection: that it is shows in its settings.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')
        OR EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
            AND EXISTS (SELECT FROM pg_settings WHERE name LIKE 'timescaledb.%')
    THEN
        CREATE EXTENSION IF NOT EXISTS timescaledb SCHEMA public;
        PERFORM create_hypertable(
            'readings', 'measure_time',
            chunk_time_interval => INTERVAL '7 days', migrate_data => true
        );
    END IF;
END
$$;
