"""A zone of two nodes that is heated on a schedule, with everything known of it."""

import numpy as np

from wattmesh_forecast.domain.thermal.influences import Plant, rated_cop
from wattmesh_forecast.domain.thermal.record import Floats, ZoneRecord
from wattmesh_forecast.domain.thermal.response import Rates, step_of
from wattmesh_kernel.sites import CopPoint, HeatPumpRating

HOURS = 0.5
RATES = Rates(leak=1 / 45, exchange=0.25, mass=0.05)
HEAT_K_PER_KWH = 0.4
"""1 / C_air: 2.5 kWh/K."""
SUN_K_PER_H = 0.6
PLANT = Plant(
    heating=HeatPumpRating(
        max_power_w=3000.0, cop_points=(CopPoint(outdoor_temperature_celsius=0, cop_ratio=3.0),)
    )
)


def zone_record(
    days: int,
    *,
    seed: int = 1,
    noise_k: float = 0.05,
    rates: Rates = RATES,
    constant_w: float | None = None,
    shown_w: float | None = None,
) -> ZoneRecord:
    """Return some days of the zone: a thermostat with a setback by night, or a constant power [W].

    `shown_w` is what its meter shows in place of its power.
    """
    random = np.random.default_rng(seed)
    count = round(days * 24 / HOURS)
    hour = np.asarray((np.arange(count) * HOURS) % 24.0, dtype=np.float64)
    level = np.cumsum(random.normal(0, 0.25, count))
    outdoor = 3.0 + (level - level.mean()) * 0.5 + 3.0 * np.cos(2 * np.pi * (hour - 15) / 24)
    sun = np.clip(np.sin(np.pi * (hour - 7) / 10), 0, None) * (hour < 17)
    sun *= np.repeat(random.uniform(0.1, 1.0, days), round(24 / HOURS))
    temperature, power = _lived(rates, outdoor, sun, hour, constant_w)
    return ZoneRecord(
        hours=HOURS,
        temperature_celsius=temperature + random.normal(0, noise_k, count),
        outdoor_celsius=outdoor,
        heating_w=power if shown_w is None else np.full(count, shown_w),
        cooling_w=np.zeros(count),
        hour_of_day=hour,
        sun=sun,
    )


def _lived(
    rates: Rates, outdoor: Floats, sun: Floats, hour: Floats, constant_w: float | None
) -> tuple[Floats, Floats]:
    step, state = step_of(rates, HOURS), np.array([20.0, 19.0])
    assert PLANT.heating is not None
    cop = rated_cop(PLANT.heating, outdoor)
    temperatures, powers = np.empty(len(outdoor)), np.empty(len(outdoor))
    for index, outside in enumerate(outdoor):
        wanted = 21.0 if 6 <= hour[index] < 22 else 18.5
        asked_w = np.clip((wanted - state[0]) * 4000.0, 0.0, 3000.0)
        powers[index] = asked_w if constant_w is None else constant_w
        warms = HEAT_K_PER_KWH * cop[index] * powers[index] / 1000.0 + SUN_K_PER_H * sun[index]
        state = step.a @ state + step.b_outdoor * outside + step.b_heat * warms
        temperatures[index] = state[0]
    return temperatures, powers
