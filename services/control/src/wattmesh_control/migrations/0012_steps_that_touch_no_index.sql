-- A step in a command's life is the most frequent write. While its row stays in its page and nothing
-- changes that an index knows, not even in its condition, no index is written: these knew the state
-- and when a device acknowledged.
ALTER TABLE commands SET (fillfactor = 50);
DROP INDEX unsent_commands;
CREATE INDEX live_commands_by_gateway ON commands (gateway) WHERE close_time IS NULL;
DROP INDEX unmetered_commands;
CREATE INDEX unmetered_commands ON commands (end_time) WHERE metered_power_w IS NULL;
DROP INDEX unjudged_commands;
CREATE INDEX unjudged_commands ON commands (end_time) WHERE NOT effect_final;
