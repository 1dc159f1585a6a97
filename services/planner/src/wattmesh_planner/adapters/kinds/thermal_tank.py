"""Tanks: temperature and expected draws in, a temperature, power or switch out."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from wattmesh.optimizer.v1 import plan_pb2, problem_pb2
from wattmesh_kernel.sites import TankRating
from wattmesh_planner.adapters.kinds.part import new_asset, rating_proto
from wattmesh_planner.adapters.kinds.thermostat import Wanted, thermostat_schedules
from wattmesh_planner.domain.inputs import AssetInputs, SiteInputs
from wattmesh_planner.domain.plan import DeviceSchedule
from wattmesh_planner.domain.thermal import TankStanding

_RULE_RATIO = 0.5
"""Where a rule runs it, it is kept so far between its edges."""
_MARGIN_RATIO = 0.2
"""Of the span between its edges, what a plan keeps above the lower one: draws are not known."""
_HYSTERESIS_K = 3.0
"""A tank's thermostat starts so far below its setpoint: it is told so much more."""
_RUNS_RATIO = 0.03
_HOUR = timedelta(hours=1)


class ThermalTankPart:
    """Heats when it costs least, and always before it is cold."""

    def add_to(self, problem: problem_pb2.Site, asset: AssetInputs, site: SiteInputs) -> None:
        """Add the tank with its draws; one that a rule runs as the load that it lately was."""
        standing: TankStanding = asset.state
        outlook = standing.outlook
        if standing.by_rule:
            if outlook.powers_w:
                new_asset(problem, asset).fixed_load.powers_w.extend(outlook.powers_w)
            return
        rating = _rating(asset)
        tank = new_asset(problem, asset).thermal_tank
        tank.rating.CopyFrom(rating_proto(_kept(rating)))
        tank.initial_temperature_celsius = standing.celsius
        tank.draw_heats_w.extend(outlook.draws_w)
        tank.outdoor_temperatures_celsius.extend(outlook.outdoor_celsius)
        if site.price is not None:
            best = max(point.cop_ratio for point in rating.heater.cop_points)
            tank.terminal_value_per_kwh = max(site.price.lowest_import_price_per_kwh, 0.0) / best

    def schedules(
        self, asset: AssetInputs, plan: plan_pb2.AssetPlan, start: datetime, resolution: timedelta
    ) -> Iterable[DeviceSchedule]:
        """Return its temperature in every interval, or power or switch where it takes only that."""
        standing: TankStanding = asset.state
        rating, most_w = _rating(asset), _rating(asset).heater.max_power_w
        span = rating.max_temperature_celsius - rating.min_temperature_celsius
        if standing.by_rule:
            count = standing.intervals
            warm = rating.min_temperature_celsius + _RULE_RATIO * span
            powers_w = _rule_powers_w(rating, standing, warm, resolution)
            wanted = Wanted(celsius=[warm] * count, powers_w=powers_w, most_w=most_w)
            return thermostat_schedules(asset, wanted, start, resolution)
        top = rating.max_temperature_celsius
        rests = min(rating.min_temperature_celsius + _MARGIN_RATIO * span + _HYSTERESIS_K, top)
        celsius = [
            min(max(plan.temperatures_celsius[index + 1] + _HYSTERESIS_K, rests), top)
            if power_w > _RUNS_RATIO * most_w
            else rests
            for index, power_w in enumerate(plan.powers_w)
        ]
        wanted = Wanted(celsius=celsius, powers_w=plan.powers_w, most_w=most_w)
        return thermostat_schedules(asset, wanted, start, resolution)


def _rule_powers_w(
    rating: TankRating, standing: TankStanding, warm: float, resolution: timedelta
) -> list[float]:
    """Return what a heater without a thermostat of its own is told by the rule [W].

    At first what brings it to the temperature and makes up for what it loses, then what it loses;
    where its draws are not known, what it lately drew if that is more. Of 300 Wh/K, 5 K too cold
    and losing 60 W, an element is told 1.56 kW in the first hour.
    """
    heater = rating.heater
    worst = min(point.cop_ratio for point in heater.cop_points)
    lost_w = rating.loss_w_per_k * max(warm - rating.ambient_temperature_celsius, 0.0) / worst
    missing_wh = rating.capacity_wh_per_k * max(warm - standing.celsius, 0.0) / worst
    lately_w = [*standing.outlook.powers_w] or [0.0] * standing.intervals
    colder = standing.celsius < warm
    return [
        min(
            max(lost_w, lately_w[min(index, len(lately_w) - 1)]) * (colder or index > 0)
            + (missing_wh / (resolution / _HOUR) if index == 0 else 0.0),
            heater.max_power_w,
        )
        for index in range(standing.intervals)
    ]


def _kept(rating: TankRating) -> TankRating:
    """Return the rating with what a plan keeps above the lower edge."""
    span = rating.max_temperature_celsius - rating.min_temperature_celsius
    return replace(
        rating,
        min_temperature_celsius=rating.min_temperature_celsius + _MARGIN_RATIO * span,
        heater=replace(rating.heater, min_power_w=0.0),
    )


def _rating(asset: AssetInputs) -> TankRating:
    rating = asset.asset.rating
    assert isinstance(rating, TankRating)
    return rating
