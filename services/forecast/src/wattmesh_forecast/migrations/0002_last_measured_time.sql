-- NULL for forecasts issued before it was noted.
ALTER TABLE forecasts ADD COLUMN last_measured_time timestamptz;
COMMENT ON COLUMN forecasts.last_measured_time IS
    'End of the newest measured hour that went into the forecast.';
