-- Activation signals of reserves as they were said: settlements are made of them.
CREATE TABLE reserve_signals (
    event text COLLATE "C" NOT NULL,
    signal_time timestamptz NOT NULL,
    -- of what is held: above 0 up, below 0 down
    ratio double precision NOT NULL,
    hold_s double precision NOT NULL,
    PRIMARY KEY (event, signal_time)
);
