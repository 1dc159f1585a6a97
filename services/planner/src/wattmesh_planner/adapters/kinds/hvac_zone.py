"""Zones: their identified model and the bands of every interval in, temperatures out."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from wattmesh.optimizer.v1 import asset_pb2, plan_pb2, problem_pb2
from wattmesh_contracts.values import duration_to_proto
from wattmesh_kernel.comfort import (
    DISCOMFORT_PRICE_PER_KELVIN_HOUR,
    FROST_CELSIUS,
    HEAT_CELSIUS,
)
from wattmesh_kernel.sites import HeatPumpRating, HvacZoneRating
from wattmesh_planner.adapters.kinds.part import new_asset, rating_proto
from wattmesh_planner.adapters.kinds.thermostat import Wanted, thermostat_schedules
from wattmesh_planner.domain.inputs import AssetInputs, SiteInputs
from wattmesh_planner.domain.plan import DeviceSchedule
from wattmesh_planner.domain.prices_after import prices_after
from wattmesh_planner.domain.thermal import ZoneAfter, ZoneStanding

_MARGIN_K = 0.2
"""By how much a plan stays inside of the band: a day ahead the model errs by as much."""
_NARROW = 0.25
"""Of a narrower band the margin is at most this share on each side."""
_TRIED_K, _MOST_TRIED_RATIO = 1.0, 0.4
"""How far inside of its band a rule goes to try how a zone answers [K], at most this share."""
_RUNS_RATIO = 0.03
"""Of the most power, from which on a plan has a machine run."""
_AFTER_STEP = timedelta(hours=2)
"""In how long steps the time after a plan is looked at."""


class HvacZonePart:
    """Heats and cools within comfort when it costs least."""

    def add_to(self, problem: problem_pb2.Site, asset: AssetInputs, site: SiteInputs) -> None:
        """Add the zone as identified; one that a rule runs as the load that it lately was."""
        standing: ZoneStanding = asset.state
        outlook = standing.outlook
        if outlook.model is None:
            if outlook.powers_w:
                new_asset(problem, asset).fixed_load.powers_w.extend(outlook.powers_w)
            return
        zone = new_asset(problem, asset).hvac_zone
        zone.rating.CopyFrom(rating_proto(_identified(_rating(asset), standing)))
        zone.initial_air_temperature_celsius = standing.air_celsius
        if outlook.mass_celsius is not None:
            zone.initial_mass_temperature_celsius = outlook.mass_celsius
        zone.outdoor_temperatures_celsius.extend(outlook.outdoor_celsius)
        zone.heat_gains_w.extend(outlook.gains_w)
        zone.discomfort_price_per_kelvin_hour = DISCOMFORT_PRICE_PER_KELVIN_HOUR
        low, high = _inside(standing.low_celsius, standing.high_celsius)
        zone.min_temperatures_celsius.extend(low)
        zone.max_temperatures_celsius.extend(high)
        zone.added_prices_per_kwh.extend(_added_prices(outlook.along_ratios, site))
        if standing.after is not None:
            _add_after(zone, standing.after, site)

    def schedules(
        self, asset: AssetInputs, plan: plan_pb2.AssetPlan, start: datetime, resolution: timedelta
    ) -> Iterable[DeviceSchedule]:
        """Return its temperature in every interval, or its power where it takes only that.

        While the plan has it run, that is what the plan reaches; while it rests, the edge of
        comfort, which its own controller then keeps though the plan errs.
        """
        standing: ZoneStanding = asset.state
        rating = _rating(asset)
        if standing.by_rule:
            celsius = _by_rule(rating, standing)
            wanted = Wanted(celsius=celsius, powers_w=(), most_w=0.0)
        else:
            wanted = Wanted(
                celsius=_by_plan(rating, standing, plan),
                powers_w=plan.powers_w,
                most_w=max(_most_w(rating.heating), _most_w(rating.cooling)),
            )
        return thermostat_schedules(asset, wanted, start, resolution)


def _added_prices(along_ratios: Sequence[float], site: SiteInputs) -> list[float]:
    """Return what others that run along cost with each kWh of it [currency/kWh]; empty: nothing."""
    prices = () if site.price is None else site.price.import_prices_per_kwh
    if not any(along_ratios) or len(prices) != len(along_ratios):
        return []
    return list(np.maximum(np.multiply(along_ratios, np.nan_to_num(prices)), 0.0))


def _add_after(zone: asset_pb2.HvacZone, after: ZoneAfter, site: SiteInputs) -> None:
    """Add the time after the plan coarsely; nothing where no price is known."""
    prices = prices_after(site, after.range, after.resolution)
    if prices is None:
        return
    per_step = max(1, _AFTER_STEP // after.resolution)
    steps = len(prices) // per_step

    def mean(values: Sequence[float] | NDArray[np.float64]) -> list[float]:
        whole = np.asarray(values, dtype=np.float64)[: steps * per_step]
        return list(whole.reshape(steps, per_step).mean(axis=1))

    low, high = _inside(after.low_celsius, after.high_celsius)
    last = slice(per_step - 1, steps * per_step, per_step)
    zone.after.resolution.CopyFrom(duration_to_proto(per_step * after.resolution))
    along = np.asarray(after.along_ratios or 0.0, dtype=np.float64)
    zone.after.prices_per_kwh.extend(mean(prices * (1.0 + along)))
    zone.after.outdoor_temperatures_celsius.extend(mean(after.outdoor_celsius))
    zone.after.heat_gains_w.extend(mean(after.gains_w))
    zone.after.min_temperatures_celsius.extend(low[last])
    zone.after.max_temperatures_celsius.extend(high[last])


def _identified(rating: HvacZoneRating, standing: ZoneStanding) -> HvacZoneRating:
    """Return the rating with model and efficiencies as identified."""
    outlook = standing.outlook
    heating, cooling = rating.heating, rating.cooling
    if heating is not None and outlook.heating_cop:
        heating = replace(heating, cop_points=outlook.heating_cop)
    if cooling is not None and outlook.cooling_cop:
        cooling = replace(cooling, cop_points=outlook.cooling_cop)
    # A thermostat modulates or switches within an interval: its least power binds no mean of one.
    return replace(
        rating,
        thermal_model=outlook.model,
        heating=None if heating is None else replace(heating, min_power_w=0.0),
        cooling=None if cooling is None else replace(cooling, min_power_w=0.0),
    )


def _inside(low: Sequence[float], high: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return the edges that a plan keeps [°C]: 20 to 24 become 20.2 to 23.8."""
    margins = [
        min(_MARGIN_K, _NARROW * (upper - lower)) for lower, upper in zip(low, high, strict=True)
    ]
    return (
        [lower + margin for lower, margin in zip(low, margins, strict=True)],
        [upper - margin for upper, margin in zip(high, margins, strict=True)],
    )


def _by_plan(
    rating: HvacZoneRating, standing: ZoneStanding, plan: plan_pb2.AssetPlan
) -> list[float]:
    """Return the temperature of every interval [°C]."""
    low, high = _inside(standing.low_celsius, standing.high_celsius)
    heating, cooling = _most_w(rating.heating), _most_w(rating.cooling)
    found = []
    for index, power_w in enumerate(plan.powers_w):
        heat_w = plan.heating_powers_w[index] if plan.heating_powers_w else power_w
        reached = plan.temperatures_celsius[index + 1]
        if heating and heat_w > _RUNS_RATIO * heating:
            found.append(max(reached, low[index]))
        elif cooling and power_w - heat_w > _RUNS_RATIO * cooling:
            found.append(min(reached, high[index]))
        else:
            found.append(_rests(rating, low[index], high[index], reached))
    return found


def _rests(rating: HvacZoneRating, low: float, high: float, reached: float) -> float:
    """Return a temperature at which it does nothing while comfort holds [°C]."""
    if rating.heating is not None and rating.cooling is not None:
        return min(max(reached, low), high)
    return low if rating.heating is not None else high


def _by_rule(rating: HvacZoneRating, standing: ZoneStanding) -> list[float]:
    """Return the temperature of every interval by comfort alone [°C]: the edge that costs least.

    A zone that is always at one temperature never tells what a kilowatt does. So for some hours of
    each night it is a kelvin further inside of its band: a week of that says it.
    """
    low, high = _inside(standing.low_celsius, standing.high_celsius)
    found = []
    tries = standing.tries or (False,) * len(low)
    for lower, upper, tried in zip(low, high, tries, strict=True):
        inside = min(_TRIED_K, _MOST_TRIED_RATIO * (upper - lower)) if tried else 0.0
        if rating.heating is not None and rating.cooling is not None:
            wanted_low, wanted_high = lower > FROST_CELSIUS + 1, upper < HEAT_CELSIUS - 1
            both = (lower + upper) / 2.0
            found.append(both if wanted_low == wanted_high else lower if wanted_low else upper)
        else:
            found.append(lower + inside if rating.heating is not None else upper - inside)
    return found


def _most_w(pump: HeatPumpRating | None) -> float:
    return 0.0 if pump is None else pump.max_power_w


def _rating(asset: AssetInputs) -> HvacZoneRating:
    rating = asset.asset.rating
    assert isinstance(rating, HvacZoneRating)
    return rating
