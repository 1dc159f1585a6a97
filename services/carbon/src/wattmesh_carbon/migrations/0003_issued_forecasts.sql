-- Forecasts of publishers, each as it was issued: what was expected then can be asked later.
CREATE TABLE issued_forecasts (
    zone            text NOT NULL,
    basis           text NOT NULL CHECK (basis IN ('average', 'marginal')),
    issue_time      timestamptz NOT NULL,
    source          text NOT NULL,
    known_time      timestamptz NOT NULL,
    start_time      timestamptz NOT NULL,
    resolution      interval NOT NULL,
    gco2e_per_kwh   double precision[] NOT NULL,
    PRIMARY KEY (zone, basis, issue_time, source)
);
