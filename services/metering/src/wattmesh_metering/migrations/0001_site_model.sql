-- Sites, what is there, who measures it, what energy costs. Names sort bytewise: pages follow them.

CREATE TABLE tariffs (
    name text COLLATE "C" PRIMARY KEY,
    display_name text NOT NULL,
    currency_code text NOT NULL,
    -- wattmesh.type.v1.Tariff as JSON, without published prices
    body jsonb NOT NULL
);

-- Published prices [currency/kWh]; all publications are kept, so that what was known when can be asked.
CREATE TABLE tariff_prices (
    tariff text COLLATE "C" NOT NULL REFERENCES tariffs,
    direction text NOT NULL CHECK (direction IN ('import', 'export')),
    start_time timestamptz NOT NULL,
    publish_time timestamptz NOT NULL,
    resolution interval NOT NULL,
    price_per_kwh double precision NOT NULL,
    PRIMARY KEY (tariff, direction, start_time, publish_time)
);

CREATE TABLE sites (
    name text COLLATE "C" PRIMARY KEY,
    display_name text NOT NULL,
    time_zone text NOT NULL,
    latitude_degrees double precision,
    longitude_degrees double precision,
    tariff text COLLATE "C" CONSTRAINT sites_tariff REFERENCES tariffs,
    carbon_zone text,
    currency_code text NOT NULL
);

CREATE TABLE site_groups (
    name text COLLATE "C" PRIMARY KEY,
    display_name text NOT NULL,
    import_limit_w double precision,
    export_limit_w double precision,
    peak_price_per_kw double precision
);

-- A site belongs to one group at most.
CREATE TABLE group_sites (
    site text COLLATE "C" NOT NULL CONSTRAINT group_sites_site REFERENCES sites,
    group_name text COLLATE "C" NOT NULL REFERENCES site_groups,
    place integer NOT NULL,
    CONSTRAINT group_sites_one_group PRIMARY KEY (site)
);
CREATE INDEX group_sites_by_group ON group_sites (group_name);

CREATE TABLE assets (
    name text COLLATE "C" PRIMARY KEY,
    site text COLLATE "C" NOT NULL CONSTRAINT assets_site REFERENCES sites,
    display_name text NOT NULL,
    -- the name of the field of wattmesh.site.v1.Asset.kind, and its fields
    kind text NOT NULL,
    parameters jsonb NOT NULL
);
CREATE INDEX assets_by_site ON assets (site, name);
CREATE UNIQUE INDEX assets_one_derived_load ON assets (site)
    WHERE kind = 'load' AND (parameters ->> 'derived')::boolean;

CREATE TABLE devices (
    name text COLLATE "C" PRIMARY KEY,
    site text COLLATE "C" NOT NULL,
    asset text COLLATE "C" NOT NULL CONSTRAINT devices_asset REFERENCES assets,
    display_name text NOT NULL,
    profile text NOT NULL,
    gateway text NOT NULL,
    connection_kind text NOT NULL,
    connection jsonb NOT NULL,
    reporting_interval interval NOT NULL
);
CREATE INDEX devices_by_site ON devices (site, name);
CREATE INDEX devices_by_asset ON devices (asset);
CREATE INDEX devices_by_gateway ON devices (gateway, name);

-- A removed point keeps its row and its key: named again, it has its readings again.
CREATE TABLE points (
    point_key integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    device text COLLATE "C" NOT NULL REFERENCES devices,
    quantity text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('register', 'gauge')),
    removed boolean NOT NULL DEFAULT false
);
CREATE INDEX points_by_device ON points (device, name);

-- What was created by which request: a repeat is told from another request for the same name.
CREATE TABLE create_requests (
    kind text NOT NULL,
    request_id text NOT NULL,
    name text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    PRIMARY KEY (kind, request_id)
);
