-- Which gateways keep a limit by themselves: at whose grid connection, since when, and what it was that they took. A limit
-- keeps its name when its owner changes it; who took other terms has not acknowledged these.
CREATE TABLE limit_acknowledgements (
    limit_name text NOT NULL,
    site text NOT NULL,
    gateway text NOT NULL,
    terms text NOT NULL,
    acknowledge_time timestamptz NOT NULL,
    PRIMARY KEY (limit_name, site, gateway)
);
ALTER TABLE limit_acknowledgements ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenants ON limit_acknowledgements USING (within_reach(site));
