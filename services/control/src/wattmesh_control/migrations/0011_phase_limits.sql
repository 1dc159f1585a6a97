-- Bounds of what flows in each conductor of a site's grid connection; of devices they are always null.
ALTER TABLE shared_limits ADD COLUMN min_phase_power_w double precision;
ALTER TABLE shared_limits ADD COLUMN max_phase_power_w double precision;
ALTER TABLE limits ADD COLUMN min_phase_power_w double precision;
ALTER TABLE limits ADD COLUMN max_phase_power_w double precision;
