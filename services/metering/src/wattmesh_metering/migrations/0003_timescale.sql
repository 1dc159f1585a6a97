-- Where TimescaleDB is at hand, readings become a hypertable; without it nothing changes.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb') THEN
        CREATE EXTENSION IF NOT EXISTS timescaledb SCHEMA public;
        PERFORM create_hypertable(
            'readings', 'measure_time',
            chunk_time_interval => INTERVAL '7 days', migrate_data => true
        );
    END IF;
END
$$;
