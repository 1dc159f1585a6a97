-- What is put in the place of readings that are missing or not believed, beside the readings and never in them: an answer
-- uses it where it is asked to. Only ever added to: what is made again stands from then on, and all of it as long as the
-- flag that made it necessary. Between the readings at start_time and end_time, next to each other, it has a value every
-- step_us: doubles, of registers the share of what they rose in between. `rise`: what a register rose, where its readings
-- do not tell (NULL: they do, or nobody knows).
CREATE TABLE reading_substitutes (
    substitute_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    flag_key bigint NOT NULL,
    point_key integer NOT NULL,
    start_time timestamptz NOT NULL,
    end_time timestamptz NOT NULL,
    method text NOT NULL CHECK (method IN ('interpolated', 'same_day_type')),
    register boolean NOT NULL,
    step_us bigint NOT NULL,
    substitutes bytea NOT NULL,
    rise double precision,
    make_time timestamptz NOT NULL
);
CREATE INDEX reading_substitutes_by_point ON reading_substitutes (point_key, start_time);
CREATE INDEX reading_substitutes_by_flag ON reading_substitutes (flag_key);

-- Up to which flag they are made.
CREATE TABLE substituted_flags (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    until_key bigint NOT NULL
);
