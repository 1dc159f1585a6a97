-- A forecast is one row: its values are only ever read together.
CREATE TABLE forecasts (
    name                text PRIMARY KEY,
    asset               text NOT NULL,
    kind                text NOT NULL CHECK (kind IN ('load', 'pv')),
    issue_time          timestamptz NOT NULL,
    source              text NOT NULL,
    start_time          timestamptz NOT NULL,
    resolution          interval NOT NULL CHECK (resolution > interval '0'),
    quantile_ratios     double precision[] NOT NULL,
    power_w             double precision[] NOT NULL,
    CHECK (array_length(power_w, 1) = array_length(quantile_ratios, 1))
);
COMMENT ON COLUMN forecasts.power_w IS
    'One row per quantile: mean power per interval [W], positive into the asset.';
CREATE INDEX forecasts_by_asset ON forecasts (asset, issue_time DESC, name DESC);

CREATE TABLE trainings (
    name                text PRIMARY KEY,
    request_id          text UNIQUE,
    model               text NOT NULL,
    assets              text[] NOT NULL,
    range_start         timestamptz NOT NULL,
    range_end           timestamptz NOT NULL,
    start_time          timestamptz NOT NULL,
    state               text NOT NULL CHECK (state IN ('running', 'done', 'failed')),
    stage               text NOT NULL,
    progress_ratio      double precision NOT NULL,
    error               text NOT NULL,
    result              jsonb
);
COMMENT ON COLUMN trainings.request_id IS 'NULL when the caller named none: nothing to repeat.';
