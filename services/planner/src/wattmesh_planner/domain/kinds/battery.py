"""Batteries: their state of charge when a plan begins."""

from datetime import timedelta

import numpy as np

from wattmesh_kernel.sites import BatteryRating
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.facts import Assumed, Fact, Known, Missing, Reason, Topic, Why
from wattmesh_planner.domain.kinds.kind import Beginning, Needs, Reading
from wattmesh_planner.domain.model import SiteAsset

SOC = "soc_ratio"


class BatteryKind:
    """Stores energy; steered by its power, worth steering only where energy has a price."""

    needs = Needs(quantities=frozenset({SOC}), price=True, controller=True)

    def counts(self, asset: SiteAsset) -> bool:
        """Always."""
        return True

    def steers(self, asset: SiteAsset) -> bool:
        """When a device controls it."""
        return asset.controller is not None

    def begin(self, asset: SiteAsset, beginning: Beginning) -> Fact[float]:
        """Return the state of charge at the plan's start, 0 to 1.

        It is the newest reading carried on along the setpoints that control took: known while the
        reading is fresh, assumed after that, missing once it is too old to carry on.
        """
        reading = beginning.readings.get(SOC)
        if reading is None:
            return Missing(why=Why(topic=Topic.STATE, reason=Reason.NEVER_REPORTED, detail=SOC))
        age = max(beginning.now - reading.measure_time, timedelta(0))
        stale = Why(topic=Topic.STATE, reason=Reason.STALE, detail=SOC)
        if age > beginning.limits.usable:
            return Missing(why=stale, age=age)
        soc_ratio = project_soc(_rating(asset), reading, beginning)
        fresh = max(beginning.limits.fresh, 2 * asset.points[SOC].reporting_interval)
        if age > fresh:
            return Assumed(value=soc_ratio, why=stale, age=age)
        return Known(value=soc_ratio, age=age)


def project_soc(rating: BatteryRating, reading: Reading, beginning: Beginning) -> float:
    """Return the state of charge at the plan's start if the battery does as told, 0 to 1.

    Between setpoints the battery is idle. Charging 1 kW for half an hour at an efficiency of 0.95
    puts 475 Wh into the store: 6.4 kWh at 0.50 then stand at 0.574.
    """
    soc_ratio = min(max(reading.value, 0.0), 1.0)
    if beginning.start <= reading.measure_time:
        return soc_ratio
    wait = TimeRange(reading.measure_time, beginning.start)
    for setpoint in beginning.told:
        if overlap := setpoint.range.intersect(wait):
            hours = overlap.duration.total_seconds() / 3600
            stored_wh = _stored_power_w(rating, setpoint.power_w, soc_ratio) * hours
            soc_ratio = min(max(soc_ratio + stored_wh / rating.capacity_wh, 0.0), 1.0)
    return soc_ratio


def power_limits_w(rating: BatteryRating, soc_ratio: float) -> tuple[float, float]:
    """Return most charging and discharging power at a state of charge [W], magnitudes.

    Linear between the rating's points, constant outside: with 5 kW at 0.8 and 1 kW at 1.0 it
    charges with 3 kW at 0.9.
    """
    charge_w, discharge_w = rating.max_charge_power_w, rating.max_discharge_power_w
    points = rating.soc_power_limits
    if not points:
        return charge_w, discharge_w
    socs = [point.soc_ratio for point in points]
    into = float(np.interp(soc_ratio, socs, [point.max_charge_power_w for point in points]))
    out = float(np.interp(soc_ratio, socs, [point.max_discharge_power_w for point in points]))
    return min(charge_w, into), min(discharge_w, out)


def _stored_power_w(rating: BatteryRating, power_w: float, soc_ratio: float) -> float:
    """Return what reaches the store [W] of a power on the AC side; negative: what leaves it."""
    charge_w, discharge_w = power_limits_w(rating, soc_ratio)
    power_w = min(max(power_w, -discharge_w), charge_w)
    if power_w >= 0:
        return power_w * rating.charge_efficiency_ratio
    return power_w / rating.discharge_efficiency_ratio


def _rating(asset: SiteAsset) -> BatteryRating:
    assert isinstance(asset.rating, BatteryRating)
    return asset.rating
