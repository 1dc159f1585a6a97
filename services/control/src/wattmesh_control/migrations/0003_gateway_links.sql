-- The lines to gateways: whether they are connected, and how their clocks compare with control's.
CREATE TABLE gateway_links (
    gateway text PRIMARY KEY,
    connected boolean NOT NULL,
    change_time timestamptz NOT NULL,
    epoch bigint NOT NULL,           -- of the lease under which its stream is, or was, held
    clock_state text,                -- null, as the next three: never compared
    skew_s double precision,         -- how far the gateway's clock is ahead
    uncertainty_s double precision,
    compare_time timestamptz
);
