-- When sites were islands is asked for whenever commands of such sites are judged.
CREATE INDEX device_events_of_islands ON device_events (time)
    WHERE what IN ('loop_islanded', 'loop_reconnected');
