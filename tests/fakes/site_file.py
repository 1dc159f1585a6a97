"""The file of a home with a battery, as somebody would write it."""

FILE = """
site:
  id: home-1
  time_zone: Europe/Berlin
  currency_code: EUR
  tariff: evening
tariffs:
  evening:
    currency_code: EUR
    import_rates:
      tou_periods:
        - display_name: Evening
          window: {days: [saturday, sunday], clock_ranges: [{start_minute: 960, end_minute: 1260}]}
          price_per_kwh: 0.42
        - {display_name: Rest, price_per_kwh: 0.22}
    demand_charges:
      - {id: peak, price_per_kw: 8, averaging: 15min}
assets:
  grid:
    grid_connection: {max_import_power_w: 11000}
  battery:
    battery: {capacity_wh: 10000, max_charge_power_w: 5000, max_discharge_power_w: 5000}
devices:
  storage:
    profile: sunspec-battery
    gateway: local
    connection: {modbus_tcp: {host: 192.0.2.7, unit_id: 3}}
    reporting_interval: 10s
    points: [active_power_w, soc_ratio]
    functions:
      - {asset: battery, meter_role: main, controls: true}
"""

EVERY_KIND = """
site: {id: farm, time_zone: Europe/Berlin, currency_code: EUR}
assets:
  grid:
    grid_connection: {max_import_power_w: 40000}
  battery:
    battery: {capacity_wh: 10000, max_charge_power_w: 5000, max_discharge_power_w: 5000}
  roof:
    pv_array: {peak_power_w: 9000, curtailable: true}
  mast:
    wind_turbine: {max_output_power_w: 20000, hub_height_m: 30}
  diesel:
    generator: {max_output_power_w: 15000, fuel_cost_per_kwh: 0.3}
  barn:
    load: {}
  van:
    ev_charger: {max_current_a: 16, min_current_a: 6, voltage_v: 230}
  stable:
    hvac_zone:
      occupied_band: {min_temperature_celsius: 18, max_temperature_celsius: 24}
      heating:
        max_power_w: 2500
        cop_points: [{outdoor_temperature_celsius: 0, cop_ratio: 3}]
  boiler:
    thermal_tank:
      capacity_wh_per_k: 350
      min_temperature_celsius: 45
      max_temperature_celsius: 65
      heater: {max_power_w: 3000, cop_points: [{outdoor_temperature_celsius: 0, cop_ratio: 1}]}
  washer:
    deferrable_load: {max_power_w: 2000, interruptible: true}
devices:
  wallbox:
    profile: keba-p30
    gateway: local
    connection: {modbus_tcp: {host: 192.0.2.8, unit_id: 255}}
    reporting_interval: 1min
    points: [import_energy_wh, active_power_w, plugged_in_ratio]
    functions: [{asset: van, meter_role: main, controls: true, setpoint_kinds: [current_a]}]
  element:
    profile: askoma-askoheat
    gateway: local
    connection: {modbus_tcp: {host: 192.0.2.9}}
    reporting_interval: 1min
    points: [active_power_w, temperature_celsius]
    functions: [{asset: boiler, meter_role: main, controls: true, setpoint_kinds: [active_power_w]}]
  pump:
    profile: mqtt-heat-pump
    gateway: local
    connection: {mqtt: {address: stable/pump}}
    reporting_interval: 1min
    points: [active_power_w, temperature_celsius]
    functions: [{asset: stable, meter_role: main, controls: true}]
  plug:
    profile: zigbee2mqtt-plug
    gateway: local
    connection: {mqtt: {address: washer}}
    reporting_interval: 1min
    points: [active_power_w, import_energy_wh]
    functions: [{asset: washer, meter_role: main, controls: true, setpoint_kinds: [on_off]}]
  charge-point:
    profile: ocpp-charge-point
    gateway: local
    connection: {ocpp: {charge_point_id: cp-1, connector_id: 1}}
    reporting_interval: 1min
    points: [active_power_w]
"""
