-- The second wall between tenants, as in metering and control: whoever reads for one is given the rows of its sites alone.
-- A session says for whom it reads in wattmesh.reach: `*` for the service itself, else a tenant's sites with blanks between.
-- One that never said it is an older process, or whoever runs the database. Owners are held to it; superusers are not.
CREATE FUNCTION within_reach(site text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(current_setting('wattmesh.reach', true), '*') = '*'
        OR coalesce(site = ANY(string_to_array(current_setting('wattmesh.reach', true), ' ')), false)
$$;

-- Vehicles have no site: they are for those who see all.
ALTER TABLE records ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenants ON records USING (within_reach(site));
