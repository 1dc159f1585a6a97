-- What is kept, as documents with what lists and rules look for. Names sort bytewise: pages follow them.
CREATE TABLE records (
    name text COLLATE "C" PRIMARY KEY,
    kind text NOT NULL,
    site text COLLATE "C",
    asset text COLLATE "C",
    vehicle text COLLATE "C",
    start_time timestamptz,
    end_time timestamptz,
    -- its place in the list of its kind, before the name: rising
    place double precision NOT NULL,
    -- whether it may still change by itself
    open boolean NOT NULL,
    deleted boolean NOT NULL DEFAULT false,
    revision bigint NOT NULL,
    document jsonb NOT NULL
);
CREATE INDEX records_by_place ON records (kind, place, name) WHERE NOT deleted;
CREATE INDEX records_by_asset ON records (asset, end_time) WHERE NOT deleted;
CREATE INDEX records_by_site ON records (site, kind, end_time) WHERE NOT deleted;
CREATE INDEX records_by_revision ON records (revision);
CREATE INDEX records_by_token ON records USING gin ((document -> 'tokens')) WHERE kind = 'vehicle';

CREATE TABLE create_requests (
    kind text NOT NULL,
    request_id text NOT NULL,
    name text COLLATE "C" NOT NULL,
    PRIMARY KEY (kind, request_id)
);
