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

ALTER TABLE commands ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenants ON commands USING (within_reach(site));
ALTER TABLE limits ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenants ON limits USING (within_reach(site));
ALTER TABLE shared_limits ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenants ON shared_limits USING (within_reach(site));
ALTER TABLE holds ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenants ON holds USING (within_reach(site_of(subject)));
ALTER TABLE device_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenants ON device_events USING (within_reach(site_of(device)));
