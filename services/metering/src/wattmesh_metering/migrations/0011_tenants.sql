-- The second wall between tenants: whoever reads for one is given the rows of its sites alone, whatever the statement says.
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

ALTER TABLE records ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenants ON records USING (within_reach(CASE kind WHEN 'site' THEN name ELSE site END));
ALTER TABLE ended_devices ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenants ON ended_devices USING (within_reach(site_of(name)));
-- Readings lie by the numbers of points, and are brought by COPY, which row security does not let through: their names
-- are what is kept from others.
ALTER TABLE points ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenants ON points USING (within_reach(site_of(name)));
ALTER TABLE rejected_readings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenants ON rejected_readings USING (within_reach(site_of(point)));
