-- What was told of the weather stays as it was told: what was known then can be asked later.
CREATE TABLE weather_reports (
    source              text NOT NULL,
    latitude_degrees    double precision NOT NULL CHECK (latitude_degrees BETWEEN -90 AND 90),
    longitude_degrees   double precision NOT NULL CHECK (longitude_degrees BETWEEN -180 AND 180),
    issue_time          timestamptz NOT NULL,
    start_time          timestamptz NOT NULL,
    temperature_celsius double precision[] NOT NULL,
    irradiance_w_m2     double precision[] NOT NULL,
    PRIMARY KEY (latitude_degrees, longitude_degrees, issue_time, source),
    CHECK (cardinality(temperature_celsius) = cardinality(irradiance_w_m2))
);
COMMENT ON COLUMN weather_reports.temperature_celsius IS
    'At the start of each hour from start_time on, NaN where nothing was told.';
COMMENT ON COLUMN weather_reports.irradiance_w_m2 IS
    'Mean global horizontal irradiance of each hour, NaN where nothing was told.';
