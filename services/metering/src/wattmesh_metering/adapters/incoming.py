"""The statements by which readings get into their table."""

_COPY = """
COPY {} (point_key, source_key, quality, measure_time, value, received) FROM STDIN (FORMAT BINARY)
"""
COPY_NEW = _COPY.format("readings")
COPY_INCOMING = _COPY.format("incoming").replace("received)", "received, ordinal)")

INCOMING = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming
    (LIKE readings, ordinal integer NOT NULL) ON COMMIT DELETE ROWS
"""
INSERT_INCOMING = """
WITH new AS (
    INSERT INTO readings (point_key, source_key, quality, measure_time, value, received)
    SELECT DISTINCT ON (point_key, measure_time)
        point_key, source_key, quality, measure_time, value, received
    FROM incoming ORDER BY point_key, measure_time, ordinal
    ON CONFLICT DO NOTHING
    RETURNING point_key, measure_time
)
SELECT string_agg(int4send(ordinal), '') FROM (
    SELECT min(ordinal) AS ordinal
    FROM incoming JOIN new USING (point_key, measure_time) GROUP BY point_key, measure_time
) AS firsts
"""
# What differs from all that was ever told of its key moves what stands into the past. It takes its
# place by INSERT: of columns, UPDATE unpacks all that there are, INSERT those of the key.
REVISE = """
WITH told AS (
    SELECT DISTINCT ON (point_key, measure_time, value, quality) *
    FROM incoming ORDER BY point_key, measure_time, value, quality, ordinal
), revised AS MATERIALIZED (
    SELECT told.*, told.ordinal = max(told.ordinal) OVER (
        PARTITION BY told.point_key, told.measure_time) AS stands
    FROM told JOIN readings AS kept USING (point_key, measure_time)
    WHERE (told.value, told.quality) IS DISTINCT FROM (kept.value, kept.quality)
      AND NOT EXISTS (
        SELECT FROM superseded_readings AS past
        WHERE past.point_key = told.point_key AND past.measure_time = told.measure_time
          AND past.value = told.value AND past.quality = told.quality)
), past AS (
    INSERT INTO superseded_readings
        (point_key, measure_time, value, quality, source_key, received, until)
    SELECT kept.point_key, kept.measure_time, kept.value, kept.quality, kept.source_key,
        kept.received, revised.received
    FROM revised JOIN readings AS kept USING (point_key, measure_time) WHERE stands
    UNION ALL
    SELECT point_key, measure_time, value, quality, source_key, received, received
    FROM revised WHERE NOT stands
), present AS (
    INSERT INTO readings (point_key, source_key, quality, measure_time, value, received)
    SELECT point_key, source_key, quality, measure_time, value, received
    FROM revised WHERE stands
    ON CONFLICT (point_key, measure_time) DO UPDATE SET value = excluded.value,
        quality = excluded.quality, source_key = excluded.source_key, received = excluded.received
)
SELECT string_agg(int4send(ordinal), '') FROM revised
"""
