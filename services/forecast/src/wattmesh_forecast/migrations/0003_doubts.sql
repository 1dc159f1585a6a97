-- Empty and NULL for forecasts issued before it was noted.
ALTER TABLE forecasts
    ADD COLUMN input_faults text[] NOT NULL DEFAULT '{}',
    ADD COLUMN input_fault_hours integer[] NOT NULL DEFAULT '{}',
    ADD COLUMN model_refusal text,
    ADD CHECK (cardinality(input_faults) = cardinality(input_fault_hours));
COMMENT ON COLUMN forecasts.input_faults IS
    'Why measured hours were taken for missing; how many they are is in input_fault_hours.';
COMMENT ON COLUMN forecasts.model_refusal IS 'Why no model made it, where one was to be asked.';
