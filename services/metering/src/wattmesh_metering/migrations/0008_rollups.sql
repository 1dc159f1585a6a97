-- Registers at the quarters of an hour of days that are past, so that an hour, a day or a month of a site need not
-- be made from all of its readings. What is here is what the readings say, or it is not here: see domain/rollups.py.

-- `day`: days since 1970 in UTC. `quarters`: 96 little-endian doubles, NaN where not known, empty where nothing is
-- known; NULL: to be made, or made again.
CREATE TABLE register_rollups (
    point_key integer NOT NULL,
    day integer NOT NULL,
    quarters bytea,
    PRIMARY KEY (point_key, day)
);
ALTER TABLE register_rollups ALTER COLUMN quarters SET STORAGE PLAIN;
CREATE INDEX register_rollups_to_make ON register_rollups (point_key, day) WHERE quarters IS NULL;

-- Points whose past is in register_rollups, until which day.
CREATE TABLE rolled_points (
    point_key integer PRIMARY KEY,
    until_day integer NOT NULL
);
CREATE INDEX rolled_points_by_day ON rolled_points (until_day);

-- What roll-ups were made with: with another longest gap they are all made again.
CREATE TABLE rollup_rule (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    longest_gap_us bigint NOT NULL
);
