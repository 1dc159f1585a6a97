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
