-- What the quarters of a rolled-up day are worth, so that answers made from them can say so: 96 little-endian integers of
-- four bytes, for how long of each the register is known [us], then 96 bytes, the worst quality of its readings (0: there
-- are none). Empty where all of the day was measured; NULL: to be made, beside the quarters.
ALTER TABLE register_rollups ADD COLUMN worths bytea;
DROP INDEX register_rollups_to_make;
CREATE INDEX register_rollups_to_make ON register_rollups (point_key, day) WHERE quarters IS NULL OR worths IS NULL;

-- Whoever outdates a day outdates both, a replica before this step as well.
CREATE FUNCTION outdate_worths() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.worths := NULL;
    RETURN NEW;
END
$$;
CREATE TRIGGER register_rollups_outdated BEFORE UPDATE OF quarters ON register_rollups
FOR EACH ROW WHEN (NEW.quarters IS NULL AND OLD.worths IS NOT NULL) EXECUTE FUNCTION outdate_worths();
