-- What meters say of a command. The document has all of it; the columns are what is asked for.
ALTER TABLE commands ADD COLUMN effect text;
ALTER TABLE commands ADD COLUMN effect_reason text;
ALTER TABLE commands ADD COLUMN effect_basis text;
ALTER TABLE commands ADD COLUMN effect_final boolean NOT NULL DEFAULT false;
ALTER TABLE commands ADD COLUMN effect_document jsonb;
CREATE INDEX unjudged_commands ON commands (end_time)
    WHERE apply_time IS NOT NULL AND NOT effect_final;
CREATE INDEX independently_judged_commands ON commands (device, number)
    WHERE effect_basis IN ('meter', 'grid');
CREATE INDEX commands_by_source ON commands (source, number);
CREATE INDEX commands_by_owner ON commands (owner, number);
CREATE INDEX transitions_by_record ON transitions (record_time);

-- What happens to the setpoint that a device holds is an event too, and says whose setpoint it is.
ALTER TABLE device_events ADD COLUMN command text;
ALTER TABLE device_events ADD COLUMN kind text;
ALTER TABLE device_events ADD COLUMN value double precision;
CREATE INDEX device_events_by_time ON device_events (time);
