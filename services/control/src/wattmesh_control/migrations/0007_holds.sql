-- What somebody at the controls has put before plans; kept for good.
CREATE TABLE holds (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    subject text NOT NULL,           -- a device, a site or a group
    kind text NOT NULL,
    owner text NOT NULL,
    reason text NOT NULL,
    setpoint_kind text,              -- null, as the value: nothing is set
    value double precision,
    create_time timestamptz NOT NULL,
    expire_time timestamptz,         -- null: until it is released
    release_time timestamptz,        -- null, as the next two: nobody has released it
    release_owner text,
    release_reason text
);
CREATE INDEX holds_not_released ON holds (expire_time) WHERE release_time IS NULL;
CREATE INDEX holds_by_subject ON holds (subject, number);
