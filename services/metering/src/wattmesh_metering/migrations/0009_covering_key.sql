-- Readings lie in the table as they came, those of one point each on another page: a year of a point was 35,000 pages.
-- With value and quality in the index of the key, they lie beside each other there, and it is some hundred. Nobody
-- writes to the table while the index is made. TimescaleDB has its own way to lay a point's readings together.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        ALTER TABLE readings DROP CONSTRAINT readings_pkey,
            ADD CONSTRAINT readings_pkey PRIMARY KEY (point_key, measure_time) INCLUDE (value, quality);
        -- The index alone is read where vacuum has seen the page.
        ALTER TABLE readings SET (
            autovacuum_vacuum_insert_scale_factor = 0.01, autovacuum_vacuum_insert_threshold = 100000);
    END IF;
END
$$;
