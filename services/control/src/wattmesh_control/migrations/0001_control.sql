-- What owners want of devices: setpoints of schedules, and overrides.
CREATE TABLE wishes (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin text NOT NULL,
    device text NOT NULL,
    kind text NOT NULL,
    owner text NOT NULL,
    priority integer NOT NULL,
    source text NOT NULL,
    request_id text NOT NULL,
    start_time timestamptz NOT NULL,
    end_time timestamptz NOT NULL,
    value double precision NOT NULL,
    accept_time timestamptz NOT NULL
);
CREATE INDEX wishes_by_device ON wishes (device, end_time);
CREATE INDEX wishes_by_start ON wishes (start_time);
CREATE INDEX wishes_by_end ON wishes (end_time);

-- Wishes made commands, kept for good. `number` orders the commands of a device on the wire.
CREATE TABLE commands (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    command text NOT NULL UNIQUE,
    wish bigint,                     -- null: refused at the door
    request_id text NOT NULL,
    device text NOT NULL,
    site text NOT NULL,
    channel text NOT NULL,
    kind text NOT NULL,
    source text NOT NULL,
    owner text NOT NULL,
    priority integer NOT NULL,
    requested_value double precision NOT NULL,
    value double precision NOT NULL,
    tolerance double precision NOT NULL,
    start_time timestamptz NOT NULL,
    end_time timestamptz NOT NULL,
    lease_expire_time timestamptz,   -- null, as the next two: refused by control
    gateway text,
    asset text,
    create_time timestamptz NOT NULL,
    state text NOT NULL,
    message text NOT NULL,
    trouble text NOT NULL,
    dispatch_time timestamptz,
    dispatch_count integer NOT NULL,
    apply_time timestamptz,
    verify_time timestamptz,
    read_back_value double precision,
    cut_time timestamptz,            -- replaced or withdrawn before its end
    close_time timestamptz,          -- null: live
    metered_power_w double precision
);
-- Numbers begin with the time [ms since 1970]: a gateway that remembers commands of a database that
-- was lost does not take those of the new one for old.
DO $$ BEGIN EXECUTE format(
    'ALTER TABLE commands ALTER COLUMN number RESTART WITH %s',
    (extract(epoch FROM clock_timestamp()) * 1000)::bigint
); END $$;
-- A device is never under two commands for the same of it.
CREATE UNIQUE INDEX one_live_command ON commands (device, channel) WHERE close_time IS NULL;
CREATE INDEX commands_by_slot ON commands (device, channel, number) WHERE wish IS NOT NULL;
CREATE INDEX commands_by_device ON commands (device, number);
CREATE INDEX commands_by_site ON commands (site, number);
CREATE INDEX commands_by_start ON commands (start_time);
CREATE INDEX live_commands_by_lease ON commands (lease_expire_time) WHERE close_time IS NULL;
CREATE INDEX commands_by_gateway ON commands (gateway, lease_expire_time);
CREATE INDEX unmetered_commands ON commands (end_time)
    WHERE metered_power_w IS NULL AND apply_time IS NOT NULL;

-- Every step in the life of every command.
CREATE TABLE transitions (
    command bigint NOT NULL REFERENCES commands (number),
    time timestamptz NOT NULL,
    record_time timestamptz NOT NULL,
    state text NOT NULL,
    message text NOT NULL,
    PRIMARY KEY (command, state)     -- states only move forward: each comes once
);

-- Devices lost and back, and leases that ended without a newer command.
CREATE TABLE device_events (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device text NOT NULL,
    time timestamptz NOT NULL,
    what text NOT NULL,
    message text NOT NULL
);
CREATE INDEX device_events_by_device ON device_events (device, time);

CREATE TABLE limits (
    name text PRIMARY KEY,
    device text NOT NULL,
    site text NOT NULL,
    owner text NOT NULL,
    min_power_w double precision,
    max_power_w double precision,
    expire_time timestamptz NOT NULL,
    reason text NOT NULL,
    UNIQUE (device, owner)
);
CREATE INDEX limits_by_expiry ON limits (expire_time);

-- First answers, so that a repeated request gets the same.
CREATE TABLE requests (
    method text NOT NULL,
    request_id text NOT NULL,
    accept_time timestamptz NOT NULL,
    answer jsonb,                    -- null only inside of the transaction that works it out
    PRIMARY KEY (method, request_id)
);

-- The site model as last fetched: a restart does not need metering.
CREATE TABLE devices (
    device text PRIMARY KEY,
    asset text NOT NULL,
    gateway text NOT NULL,
    envelopes jsonb NOT NULL
);
CREATE TABLE device_fetches (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    fetch_time timestamptz NOT NULL
);
