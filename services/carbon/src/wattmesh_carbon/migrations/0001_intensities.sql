-- Average and marginal intensity answer different questions: they share a shape, never a row.
CREATE TABLE intensities (
    zone            text NOT NULL,
    basis           text NOT NULL CHECK (basis IN ('average', 'marginal')),
    start_time      timestamptz NOT NULL,
    end_time        timestamptz NOT NULL CHECK (end_time > start_time),
    gco2e_per_kwh   double precision NOT NULL,
    source          text NOT NULL,
    publish_time    timestamptz NOT NULL,
    PRIMARY KEY (zone, basis, start_time)
);
