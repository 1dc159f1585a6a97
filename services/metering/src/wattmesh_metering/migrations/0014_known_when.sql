-- What sites and tariffs said when: bills are made as they were known at a time.
CREATE TABLE record_versions (
    name text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('site', 'tariff')),
    body bytea NOT NULL,
    -- since when it was known; NULL: since before such times were kept
    known_time timestamptz,
    -- whether it was deleted then
    deleted boolean NOT NULL DEFAULT false,
    PRIMARY KEY (name, revision)
);
INSERT INTO record_versions (name, revision, kind, body, deleted)
SELECT name, revision, kind, body, delete_time IS NOT NULL FROM records WHERE kind IN ('site', 'tariff');

ALTER TABLE record_versions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenants ON record_versions USING (within_reach(CASE kind WHEN 'site' THEN name END));
