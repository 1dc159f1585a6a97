"""A problem with every kind of asset, as a client sends it."""

from datetime import UTC, datetime, timedelta

from wattmesh.optimizer.v1 import problem_pb2
from wattmesh.type.v1 import electrical_pb2

SITE = "sites/home-1"


def every_kind(count: int = 4) -> problem_pb2.Problem:
    """Return every kind of asset, in sensible values."""
    proto = problem_pb2.Problem(currency_code="EUR")
    start = datetime(2026, 3, 2, 12, tzinfo=UTC)
    proto.horizon.start_time.FromDatetime(start)
    proto.horizon.resolution.FromTimedelta(timedelta(hours=1))
    proto.horizon.count = count
    site = proto.sites.add(name=SITE, time_zone="Europe/Berlin")
    site.tariff.name = "tariffs/t"
    site.tariff.currency_code = "EUR"
    site.tariff.import_rates.base_per_kwh = 0.3
    site.assets.add(name=f"{SITE}/assets/load").fixed_load.powers_w.extend([1000.0] * count)
    pv = site.assets.add(name=f"{SITE}/assets/pv").renewable_source
    pv.powers_w.extend([-2000.0] * count)
    pv.curtailable = True
    battery = site.assets.add(name=f"{SITE}/assets/battery").battery
    battery.rating.capacity_wh = 10_000
    battery.rating.max_charge_power_w = battery.rating.max_discharge_power_w = 5_000
    battery.initial_soc_ratio = 0.5
    charger = site.assets.add(name=f"{SITE}/assets/ev", phase=electrical_pb2.PHASE_L1).ev_charger
    charger.rating.max_current_a = 16
    session = charger.sessions.add(id="ev1", capacity_wh=40_000, target_soc_ratio=0.5)
    session.arrival_time.FromDatetime(start)
    session.departure_time.FromDatetime(start + timedelta(hours=4))
    session.initial_soc_ratio = 0.4
    zone = site.assets.add(name=f"{SITE}/assets/zone").hvac_zone
    zone.rating.thermal_model.air_capacity_wh_per_k = 2000
    zone.rating.thermal_model.air_outdoor_resistance_k_per_w = 0.005
    zone.initial_air_temperature_celsius = 20
    zone.outdoor_temperatures_celsius.extend([5.0] * count)
    zone.rating.occupied_band.min_temperature_celsius = 20
    zone.rating.occupied_band.max_temperature_celsius = 24
    zone.rating.heating.max_power_w = 3000
    zone.rating.heating.cop_points.add(outdoor_temperature_celsius=0, cop_ratio=3)
    tank = site.assets.add(name=f"{SITE}/assets/tank").thermal_tank
    tank.rating.capacity_wh_per_k = 250
    tank.initial_temperature_celsius = 50
    tank.rating.min_temperature_celsius = 45
    tank.rating.max_temperature_celsius = 60
    tank.rating.heater.max_power_w = 2000
    tank.rating.heater.cop_points.add(cop_ratio=1)
    washer = site.assets.add(name=f"{SITE}/assets/washer").deferrable_load
    washer.profile_run.powers_w.extend([500.0, 1500.0])
    pump = site.assets.add(name=f"{SITE}/assets/pump").deferrable_load
    pump.interruptible_run.energy_wh = 1000
    pump.rating.max_power_w = 1000
    generator = site.assets.add(name=f"{SITE}/assets/generator").generator
    generator.rating.max_output_power_w = 3000
    generator.rating.fuel_cost_per_kwh = 0.5
    return proto
