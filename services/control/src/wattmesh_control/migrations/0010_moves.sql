-- What gateways' own loops told devices in place of what their commands ask, as it came: `before` are the moves of
-- the command that came earlier, counted anew when a gateway has started anew. Times are offsets from start_time.
CREATE TABLE setpoint_moves (
    command text NOT NULL,
    before integer NOT NULL,
    start_time timestamptz NOT NULL,
    offsets_ms bigint[] NOT NULL,
    powers_w double precision[] NOT NULL,
    PRIMARY KEY (command, before, start_time)
);
