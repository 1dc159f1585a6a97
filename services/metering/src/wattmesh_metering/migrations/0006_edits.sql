-- Who changed what about readings, and why: corrections, declared exchanges. Only ever added to.
CREATE TABLE reading_edits (
    edit_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('correct', 'exchange')),
    point_key integer NOT NULL,
    start_time timestamptz NOT NULL,
    end_time timestamptz NOT NULL,
    details text NOT NULL,
    reason text NOT NULL,
    caller text NOT NULL,
    request_id text NOT NULL,
    edit_time timestamptz NOT NULL
);
CREATE INDEX reading_edits_by_point ON reading_edits (point_key, edit_time);
