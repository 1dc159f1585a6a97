-- Whoever tells weather, and what was told as it was told. Takes the place of weather_reports.
CREATE TABLE weather_sources (
    segment         text PRIMARY KEY,
    kind            text NOT NULL
        CHECK (kind IN ('observation', 'forecast', 'reanalysis', 'climatology')),
    display_name    text NOT NULL,
    priority        integer NOT NULL CHECK (priority BETWEEN 0 AND 100),
    max_distance_m  double precision CHECK (max_distance_m > 0),
    report_interval interval,
    attribution     text NOT NULL,
    revision        bigint NOT NULL,
    deleted         boolean NOT NULL DEFAULT false
);
CREATE TABLE weather_places (
    source              text NOT NULL REFERENCES weather_sources,
    latitude_degrees    double precision NOT NULL CHECK (latitude_degrees BETWEEN -90 AND 90),
    longitude_degrees   double precision NOT NULL CHECK (longitude_degrees BETWEEN -180 AND 180),
    PRIMARY KEY (source, latitude_degrees, longitude_degrees)
);
CREATE TABLE weather_told (
    name                text PRIMARY KEY,
    source              text NOT NULL REFERENCES weather_sources,
    latitude_degrees    double precision NOT NULL,
    longitude_degrees   double precision NOT NULL,
    elevation_m         double precision,
    member              integer NOT NULL,
    issue_time          timestamptz NOT NULL,
    start_time          timestamptz NOT NULL,
    end_time            timestamptz NOT NULL CHECK (end_time > start_time),
    resolution          interval NOT NULL CHECK (resolution > interval '0'),
    column_names        text[] NOT NULL,
    column_values       bytea NOT NULL
);
COMMENT ON COLUMN weather_told.column_values IS
    'Column after column, 8 bytes a value: IEEE 754, little endian; NaN where nothing was told.';
CREATE INDEX weather_told_by_place ON weather_told
    (source, latitude_degrees, longitude_degrees, issue_time DESC) WHERE member = 0;
CREATE INDEX weather_told_by_issue ON weather_told (issue_time DESC, name DESC);
CREATE TABLE weather_requests (
    request_id  text PRIMARY KEY,
    names       text[] NOT NULL
);
COMMENT ON TABLE weather_requests IS 'What requests that may be repeated made at first.';
