-- A database that went back to an earlier moment numbers commands as before, and gateways, which remember newer ones, took
-- them for old. Each start of control goes on from the time [ms since 1970] again, as the first did.
DO $$ BEGIN EXECUTE format($body$
    CREATE FUNCTION number_from_now() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = %I, pg_temp AS $f$
    DECLARE
        now_ms bigint := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtext('commands_number_seq'));  -- several start at the same time
        -- Others take numbers meanwhile: one that is nearly as far is left alone, so that it never goes back.
        PERFORM setval('commands_number_seq', now_ms) FROM commands_number_seq WHERE last_value < now_ms - 1000;
    END $f$
$body$, current_schema()); END $$;
