-- The second wall between tenants, as in metering and control: whoever reads for one is given the rows of its sites alone.
-- A session says for whom it reads in wattmesh.reach: `*` for the service itself, else a tenant's sites with blanks between.
-- One that never said it is an older process, or whoever runs the database. Owners are held to it; superusers are not.
CREATE FUNCTION within_reach(site text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(current_setting('wattmesh.reach', true), '*') = '*'
        OR coalesce(site = ANY(string_to_array(current_setting('wattmesh.reach', true), ' ')), false)
$$;
-- The site of whatever belongs to one, by its name.
CREATE FUNCTION site_of(name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT split_part(name, '/', 1) || '/' || split_part(name, '/', 2)
$$;
CREATE FUNCTION all_within_reach(names text[]) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(bool_and(within_reach(site_of(name))), within_reach(NULL)) FROM unnest(names) AS name;
END;

-- Forecasts are brought by COPY, which row security does not let through, of this version and of the one before it, which
-- may run beside it: the name they know becomes a view, which hands each row on to the table behind it. Whoever reads the view
-- is held to the table's policy as if it had read the table.
ALTER TABLE forecasts RENAME TO issued_forecasts;
ALTER TABLE issued_forecasts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenants ON issued_forecasts USING (within_reach(site_of(asset)));
CREATE VIEW forecasts WITH (security_invoker = true) AS
    SELECT name, asset, kind, issue_time, source, start_time, resolution, quantile_ratios, power_w,
        last_measured_time, input_faults, input_fault_hours, model_refusal
    FROM issued_forecasts;
ALTER VIEW forecasts ALTER COLUMN input_faults SET DEFAULT '{}', ALTER COLUMN input_fault_hours SET DEFAULT '{}';
CREATE FUNCTION keep_forecast() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO issued_forecasts VALUES (
        NEW.name, NEW.asset, NEW.kind, NEW.issue_time, NEW.source, NEW.start_time, NEW.resolution, NEW.quantile_ratios,
        NEW.power_w, NEW.last_measured_time, NEW.input_faults, NEW.input_fault_hours, NEW.model_refusal
    );
    RETURN NEW;
END
$$;
CREATE TRIGGER keep INSTEAD OF INSERT ON forecasts FOR EACH ROW EXECUTE FUNCTION keep_forecast();

-- Who sees all sites that a training learnt from is told of it.
ALTER TABLE trainings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenants ON trainings USING (all_within_reach(assets));
