-- Wind turbines are forecast as well.
ALTER TABLE forecasts DROP CONSTRAINT forecasts_kind_check;
ALTER TABLE forecasts ADD CONSTRAINT forecasts_kind_check
    CHECK (kind IN ('load', 'pv', 'wind', 'occupancy'));
