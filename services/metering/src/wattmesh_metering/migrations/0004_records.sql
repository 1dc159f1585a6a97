-- The site model as records: every resource is one row with its message, what it refers to, and the revision
-- of the model at which it last changed. The tables of 0001 are read here for the last time.

CREATE TABLE records (
    name text COLLATE "C" PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('site', 'asset', 'device', 'group', 'tariff')),
    -- of assets and devices
    site text COLLATE "C",
    -- of devices
    gateway text COLLATE "C",
    -- names of what it refers to
    refers text[] NOT NULL,
    -- the message of wattmesh.site.v1 or wattmesh.type.v1 without its etag, as it was sent: what a newer
    -- replica or client knows more is kept
    body bytea NOT NULL,
    etag text NOT NULL,
    revision bigint NOT NULL,
    -- a deleted one keeps its row: it tells those who follow, and keeps the past
    delete_time timestamptz
);
CREATE INDEX records_by_kind ON records (kind, name) WHERE delete_time IS NULL;
CREATE INDEX records_by_site ON records (site, kind, name);
CREATE INDEX records_by_revision ON records (revision);
CREATE INDEX records_by_reference ON records USING gin (refers);

-- What deleted devices did up to then; a device of the same name may have come since.
CREATE TABLE ended_devices (
    name text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    body bytea NOT NULL,
    end_time timestamptz NOT NULL,
    PRIMARY KEY (name, revision)
);
CREATE INDEX ended_devices_by_revision ON ended_devices (revision);

-- Every revision of the model of the last days, and the prices that were published by it. Revisions are never
-- below the milliseconds since 1970 of their commit: a number is not given twice, even by a database that was
-- restored or begun anew.
CREATE TABLE revisions (
    revision bigint PRIMARY KEY,
    tariff text COLLATE "C",
    start_time timestamptz,
    end_time timestamptz
);
INSERT INTO revisions (revision) VALUES ((extract(epoch FROM clock_timestamp()) * 1000)::bigint);

-- A request that came before has no fingerprint that would still be made the same way.
ALTER TABLE create_requests ALTER COLUMN fingerprint DROP NOT NULL;
UPDATE create_requests SET
    fingerprint = NULL, kind = CASE kind WHEN 'site_group' THEN 'group' ELSE kind END;

-- Points and prices outlive what they belong to, and it stands elsewhere now.
ALTER TABLE points DROP CONSTRAINT points_device_fkey;
ALTER TABLE tariff_prices DROP CONSTRAINT tariff_prices_tariff_fkey;

-- What stood in the tables of 0001, as JSON of today's messages; the service takes it over when it starts.
CREATE TABLE former_records (
    place integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    message jsonb NOT NULL
);

INSERT INTO former_records (kind, message)
SELECT 'tariff', jsonb_set(
    body, '{power_limits}',
    coalesce((
        SELECT jsonb_agg((each - 'limit_w') || jsonb_build_object('max_power_w', each -> 'limit_w'))
        FROM jsonb_array_elements(body -> 'power_limits') AS each
    ), '[]')
) FROM tariffs ORDER BY name;

INSERT INTO former_records (kind, message)
SELECT 'site', jsonb_strip_nulls(jsonb_build_object(
    'name', name, 'display_name', display_name, 'time_zone', time_zone,
    'latitude_degrees', latitude_degrees, 'longitude_degrees', longitude_degrees,
    'tariff', tariff, 'carbon_zone', carbon_zone, 'currency_code', currency_code
)) FROM sites ORDER BY name;

INSERT INTO former_records (kind, message)
SELECT 'group', jsonb_strip_nulls(jsonb_build_object(
    'name', name, 'display_name', display_name, 'peak_price_per_kw', peak_price_per_kw,
    'max_import_power_w', import_limit_w, 'max_export_power_w', export_limit_w,
    'sites', ARRAY(SELECT site FROM group_sites WHERE group_name = site_groups.name ORDER BY place)
)) FROM site_groups ORDER BY name;

-- A tank said the heat between its edges; they are taken to be 40 and 60 degrees Celsius.
INSERT INTO former_records (kind, message)
SELECT 'asset', jsonb_strip_nulls(
    jsonb_build_object('name', name, 'display_name', display_name)
    || CASE WHEN kind = 'ev_charger' AND p ->> 'phases' = '1'
        THEN jsonb_build_object('phase', 'PHASE_L1') ELSE '{}' END
    || jsonb_build_object(kind, CASE kind
        WHEN 'grid_connection' THEN jsonb_build_object(
            'max_import_power_w', p -> 'import_limit_w', 'max_export_power_w', p -> 'export_limit_w')
        WHEN 'pv_array' THEN (p - 'inverter_power_w')
            || jsonb_build_object('max_output_power_w', p -> 'inverter_power_w')
        WHEN 'wind_turbine' THEN (p - 'rated_power_w')
            || jsonb_build_object('max_output_power_w', p -> 'rated_power_w')
        WHEN 'battery' THEN (p - 'charge_limit_w' - 'discharge_limit_w') || jsonb_build_object(
            'max_charge_power_w', p -> 'charge_limit_w',
            'max_discharge_power_w', p -> 'discharge_limit_w')
        WHEN 'ev_charger' THEN (p - 'phases' - 'bidirectional') || jsonb_build_object(
            'max_discharge_power_w', CASE WHEN (p ->> 'bidirectional')::boolean
                THEN (p ->> 'max_current_a')::float8 * (p ->> 'phases')::float8
                    * coalesce((p ->> 'voltage_v')::float8, 230) END)
        WHEN 'hvac_zone' THEN jsonb_build_object(
            'thermal_model', jsonb_build_object(
                'air_capacity_wh_per_k', p -> 'capacitance_wh_per_k',
                'air_outdoor_resistance_k_per_w', p -> 'resistance_k_per_w',
                'mass_capacity_wh_per_k', p -> 'mass_capacitance_wh_per_k',
                'air_mass_resistance_k_per_w', p -> 'mass_resistance_k_per_w'),
            'heating', jsonb_build_object(
                'max_power_w', p -> 'power_limit_w',
                'cop_points', jsonb_build_array(jsonb_build_object('cop_ratio', p -> 'cop_ratio'))),
            'occupied_band', jsonb_build_object(
                'min_temperature_celsius', p -> 'comfort_min_celsius',
                'max_temperature_celsius', p -> 'comfort_max_celsius'))
        WHEN 'thermal_tank' THEN jsonb_build_object(
            'capacity_wh_per_k', (p ->> 'capacity_wh')::float8 / 20,
            'min_temperature_celsius', 40, 'max_temperature_celsius', 60,
            'loss_w_per_k', (p ->> 'capacity_wh')::float8 / 20 * (p ->> 'loss_ratio_per_hour')::float8,
            'heater', jsonb_build_object(
                'max_power_w', p -> 'power_limit_w',
                'cop_points', jsonb_build_array(jsonb_build_object('cop_ratio', p -> 'cop_ratio'))))
        WHEN 'deferrable_load' THEN (p - 'power_w')
            || jsonb_build_object('max_power_w', p -> 'power_w')
        WHEN 'generator' THEN (p - 'rated_output_w' - 'min_output_w' - 'fuel_gco2e_per_kwh')
            || jsonb_build_object(
                'max_output_power_w', p -> 'rated_output_w', 'min_output_power_w', p -> 'min_output_w',
                'emission_gco2e_per_kwh', p -> 'fuel_gco2e_per_kwh')
        ELSE p
    END)
) FROM (SELECT name, display_name, kind, parameters AS p FROM assets) AS former ORDER BY name;

-- A device was an asset's meter and controller. Of several on one asset, energies were added up and the last by
-- name got the setpoints.
INSERT INTO former_records (kind, message)
SELECT 'device', jsonb_build_object(
    'name', name, 'display_name', display_name, 'profile', profile, 'gateway', gateway,
    'connection', jsonb_build_object(connection_kind, connection),
    'reporting_interval', extract(epoch FROM reporting_interval)::bigint || 's',
    'points', ARRAY(SELECT jsonb_build_object('name', points.name) FROM points
        WHERE points.device = devices.name AND NOT removed ORDER BY points.name),
    'functions', jsonb_build_array(jsonb_build_object(
        'asset', asset,
        'meter_role', CASE count(*) OVER (PARTITION BY asset)
            WHEN 1 THEN 'METER_ROLE_MAIN' ELSE 'METER_ROLE_PART' END,
        'controls', name = max(name) OVER (PARTITION BY asset)))
) FROM devices ORDER BY name;
