-- What is kept, as documents with what lists and rules look for. Names sort bytewise: pages follow them.
CREATE TABLE records (
    name text COLLATE "C" PRIMARY KEY,
    kind text NOT NULL,
    programme text COLLATE "C" NOT NULL,
    event text COLLATE "C",
    subject text COLLATE "C",
    start_time timestamptz,
    end_time timestamptz,
    -- its place in the list of its kind, before the name: rising
    place double precision NOT NULL,
    -- whether it may still change by itself
    open boolean NOT NULL,
    -- when something of it falls due by itself
    due_time timestamptz,
    deleted boolean NOT NULL DEFAULT false,
    revision bigint NOT NULL,
    document jsonb NOT NULL
);
CREATE INDEX records_by_place ON records (kind, place, name) WHERE NOT deleted;
CREATE INDEX records_by_programme ON records (programme, kind, start_time) WHERE NOT deleted;
CREATE INDEX records_by_event ON records (event) WHERE NOT deleted;
CREATE INDEX records_by_subject ON records (subject, start_time) WHERE NOT deleted;
CREATE INDEX records_due ON records (kind, due_time) WHERE due_time IS NOT NULL;
CREATE INDEX records_open ON records (kind) WHERE open;
CREATE INDEX records_by_revision ON records (revision);

CREATE TABLE requests (
    kind text NOT NULL,
    request_id text NOT NULL,
    name text COLLATE "C" NOT NULL,
    PRIMARY KEY (kind, request_id)
);
