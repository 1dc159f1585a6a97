-- Of most points nothing is known beside their readings; a query shall see that in the statement that reads them,
-- and nobody shall go through flags that change no answer (gaps, rates) to find those that do.

-- Points of which something ever changed an answer: a flag that excludes or lifts, a reset, an exchange.
CREATE TABLE eventful_points (
    point_key integer PRIMARY KEY
);

-- Triggers, so that what a replica before this step writes is noted too. A point that is changed again is there.
CREATE FUNCTION note_eventful_points() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO eventful_points (point_key)
    SELECT DISTINCT point_key FROM new_rows
    WHERE NOT EXISTS (SELECT FROM eventful_points AS kept WHERE kept.point_key = new_rows.point_key)
    ORDER BY point_key
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE FUNCTION note_eventful_flags() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO eventful_points (point_key)
    SELECT DISTINCT point_key FROM new_rows
    WHERE (excludes OR lift IS NOT NULL)
      AND NOT EXISTS (SELECT FROM eventful_points AS kept WHERE kept.point_key = new_rows.point_key)
    ORDER BY point_key
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER reading_flags_eventful AFTER INSERT ON reading_flags
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_eventful_flags();
CREATE TRIGGER register_resets_eventful AFTER INSERT ON register_resets
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_eventful_points();
CREATE TRIGGER meter_exchanges_eventful AFTER INSERT ON meter_exchanges
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_eventful_points();

INSERT INTO eventful_points (point_key)
SELECT point_key FROM reading_flags WHERE excludes OR lift IS NOT NULL
UNION SELECT point_key FROM register_resets
UNION SELECT point_key FROM meter_exchanges;

CREATE INDEX reading_flags_eventful ON reading_flags (point_key, start_time)
WHERE excludes OR lift IS NOT NULL;
