-- Limits of sites and groups, and the parts of a group's limit that its sites have. They are apart
-- from those of devices, which an older process reads too.
CREATE TABLE shared_limits (
    name text PRIMARY KEY,
    subject text NOT NULL,           -- a site or a group
    site text NOT NULL,              -- empty: it is on a group
    owner text NOT NULL,
    min_power_w double precision,
    max_power_w double precision,
    start_time timestamptz,
    expire_time timestamptz NOT NULL,
    reason text NOT NULL,
    parent text,                     -- null: it is nobody's share
    UNIQUE (subject, owner)
);
CREATE INDEX shared_limits_by_expiry ON shared_limits (expire_time);

-- A device's share of such a limit is a limit of the device.
ALTER TABLE limits ADD COLUMN parent text;
CREATE INDEX limits_by_parent ON limits (parent) WHERE parent IS NOT NULL;
