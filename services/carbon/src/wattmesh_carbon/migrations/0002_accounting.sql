-- What an interval was published as before it was revised, for questions about what was known then.
CREATE TABLE superseded_intensities (
    zone            text NOT NULL,
    basis           text NOT NULL,
    start_time      timestamptz NOT NULL,
    end_time        timestamptz NOT NULL,
    gco2e_per_kwh   double precision NOT NULL,
    source          text NOT NULL,
    publish_time    timestamptz NOT NULL,
    superseded_time timestamptz NOT NULL
);
CREATE INDEX superseded_by_time ON superseded_intensities (zone, basis, start_time);

CREATE TABLE factors (
    kind    text NOT NULL,
    zone    text NOT NULL,
    year    integer NOT NULL,
    value   double precision NOT NULL,
    source  text NOT NULL,
    licence text NOT NULL,
    PRIMARY KEY (kind, zone, year)
);

CREATE TABLE certificates (
    name          text COLLATE "C" PRIMARY KEY,
    issuer        text NOT NULL,
    serial_number text NOT NULL,
    zone          text NOT NULL,
    document      jsonb NOT NULL,
    UNIQUE (issuer, serial_number)
);

-- Each retirement once; the document of its certificate has what is left.
CREATE TABLE retirements (
    request_id  text PRIMARY KEY,
    certificate text COLLATE "C" NOT NULL REFERENCES certificates (name),
    subject     text NOT NULL,
    start_time  timestamptz NOT NULL,
    end_time    timestamptz NOT NULL,
    document    jsonb NOT NULL
);
CREATE INDEX retirements_by_subject ON retirements (subject, start_time);
