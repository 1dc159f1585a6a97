"""Outlooks: how a zone will answer to its plant, and what will be drawn from a tank."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from wattmesh_forecast.domain.thermal.fit import Fit
from wattmesh_forecast.domain.thermal.identify import Identification
from wattmesh_forecast.domain.thermal.influences import (
    REFERENCE_CELSIUS,
    Influence,
    rated_cop,
)
from wattmesh_forecast.domain.thermal.record import Floats
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.sites import CopPoint, HeatPumpRating, TankRating, ZoneThermalModel

_PLANT = frozenset(
    {
        Influence.HEATING,
        Influence.HEATING_SLOPE,
        Influence.COOLING,
        Influence.COOLING_SLOPE,
    }
)
"""What a plan decides, and so is no gain."""
_COP_CELSIUS = {"heating": (-15.0, -7.0, 0.0, 7.0, 15.0), "cooling": (20.0, 25.0, 30.0, 35.0, 40.0)}
_LEAST_COP = 0.5
_DRAW_DAYS = 14


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ZoneOutlook:
    """A zone over the intervals asked for; series are (n,), None where not known.

    `model`, its efficiencies and `gains_w` are there when it is identified. `air_celsius` and
    `mass_celsius` are those at `state_time`.
    """

    asset: AssetId
    identified: Identification
    identify_time: datetime
    state_time: datetime | None = None
    air_celsius: float | None = None
    mass_celsius: float | None = None
    model: ZoneThermalModel | None = None
    heating_cop: tuple[CopPoint, ...] = ()
    cooling_cop: tuple[CopPoint, ...] = ()
    outdoor_celsius: Floats | None = None
    gains_w: Floats | None = None
    powers_w: Floats | None = None
    occupancy_ratio: Floats | None = None
    along_ratio: Floats | None = None
    """What loads of the site draw along with a watt of its plant."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TankOutlook:
    """A tank over the intervals asked for; series are (n,), None where not known."""

    asset: AssetId
    days: int
    reason: str
    draws_w: Floats | None = None
    outdoor_celsius: Floats | None = None
    powers_w: Floats | None = None


def heat_factor(fit: Fit) -> tuple[Influence, float]:
    """Return what a kilowatt of the plant does [K/kWh], and of which use: 1 / C_air."""
    for name in (Influence.HEATING, Influence.COOLING):
        if name in fit.factors:
            return name, fit.factors[name]
    raise AssertionError("a zone without a plant is not identified")


def thermal_model(fit: Fit) -> ZoneThermalModel:
    """Return resistances and capacities: C = 1000 / factor [Wh/K], R = 1 / (leak C).

    With 0.4 K/kWh C is 2500 Wh/K; a leak of 0.02 per hour is 1 / (0.02 x 2500) = 0.02 K/W.
    """
    capacity = 1000.0 / heat_factor(fit)[1]
    leak = 1.0 / (fit.rates.leak * capacity)
    if fit.rates.order == 1:
        return ZoneThermalModel(air_capacity_wh_per_k=capacity, air_outdoor_resistance_k_per_w=leak)
    exchange = 1.0 / (fit.rates.exchange * capacity)
    return ZoneThermalModel(
        air_capacity_wh_per_k=capacity,
        air_outdoor_resistance_k_per_w=leak,
        mass_capacity_wh_per_k=1.0 / (fit.rates.mass * exchange),
        air_mass_resistance_k_per_w=exchange,
    )


def identified_cop(fit: Fit, use: str, rating: HeatPumpRating | None) -> tuple[CopPoint, ...]:
    """Return the efficiency of a use ("heating", "cooling") by outdoor temperature, as identified.

    It is that of the rating, corrected so that with the model's capacity it does what was seen.
    """
    factor = fit.factors.get(Influence(use))
    if rating is None or factor is None:
        return ()
    outdoor = np.array(_COP_CELSIUS[use])
    slope = fit.factors.get(Influence(f"{use}_slope"), 0.0)
    seen = factor + slope * (outdoor - REFERENCE_CELSIUS[use]) / 10.0
    cop = np.maximum(rated_cop(rating, outdoor) * seen / heat_factor(fit)[1], _LEAST_COP)
    return tuple(
        CopPoint(outdoor_temperature_celsius=at, cop_ratio=value)
        for at, value in zip(outdoor.tolist(), cop.tolist(), strict=True)
    )


def gains_w(fit: Fit, inputs: "dict[Influence, Floats]", unexplained_k_per_h: Floats) -> Floats:
    """Return what warms the zone beside its plant [W], shape (n,)."""
    warms = np.asarray(unexplained_k_per_h).copy()
    for name, values in inputs.items():
        if name in fit.factors and name not in _PLANT:
            warms = warms + fit.factors[name] * values
    return np.asarray(warms * 1000.0 / heat_factor(fit)[1])


def draws_w(
    rating: TankRating,
    temperature: Floats,
    power_w: Floats,
    outdoor: Floats,
    hours: float,
    count: int,
) -> tuple[Floats | None, int]:
    """Return the heat that users will take in each of the next `count` intervals [W], and its days.

    What was drawn follows from the balance: COP x P less standing loss less what the temperature
    rose by. Of two weeks the mean at each time of day, never negative. None: nothing is known.
    """
    per_day = round(24.0 / hours)
    cop = rated_cop(rating.heater, np.where(np.isfinite(outdoor), outdoor, 0.0))
    if not np.isfinite(outdoor).any():
        cop = np.full(len(temperature), rating.heater.cop_points[0].cop_ratio)
    rise = np.diff(temperature, prepend=np.nan)
    loss = rating.loss_w_per_k * (temperature - rating.ambient_temperature_celsius)
    drawn = cop * power_w - loss - rating.capacity_wh_per_k * rise / hours
    known = np.isfinite(drawn[-_DRAW_DAYS * per_day :])
    days = int(known.sum() // per_day)
    if not days:
        return None, 0
    lately = drawn[-_DRAW_DAYS * per_day :]
    found = np.empty(count)
    for ahead in range(count):
        same = lately[(len(lately) + ahead) % per_day :: per_day]
        near = same[np.isfinite(same)]
        found[ahead] = max(float(near.mean()), 0.0) if len(near) else 0.0
    return found, days
