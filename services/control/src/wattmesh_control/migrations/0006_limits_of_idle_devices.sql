-- What limits and holds ask of devices is found by the limit or hold.
CREATE INDEX proposals_by_source ON proposals (source) WHERE origin IN ('limit', 'hold');
