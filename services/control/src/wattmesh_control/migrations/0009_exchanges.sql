-- What plans count on at grid connections: a row for each owner, site and first interval. The loops
-- of gateways go by it.
CREATE TABLE exchanges (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site text NOT NULL,
    owner text NOT NULL,
    priority integer NOT NULL,
    source text NOT NULL,
    start_time timestamptz NOT NULL,
    end_time timestamptz NOT NULL,
    document jsonb NOT NULL
);
CREATE INDEX exchanges_by_owner ON exchanges (site, owner);
