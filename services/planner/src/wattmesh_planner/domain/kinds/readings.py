"""How old a reading may be: what kinds that are carried on by nothing else do about it."""

from datetime import timedelta

from wattmesh_planner.domain.facts import Assumed, Fact, Known, Missing, Reason, Topic, Why
from wattmesh_planner.domain.kinds.kind import Beginning
from wattmesh_planner.domain.model import SiteAsset


def newest(
    asset: SiteAsset, beginning: Beginning, quantity: str, low: float, high: float
) -> Fact[float]:
    """Return the newest reading: known while fresh, assumed while usable, else missing.

    What lies outside of [low, high] cannot be, and is not believed.
    """
    reading = beginning.readings.get(quantity)
    if reading is None:
        return Missing(why=Why(topic=Topic.STATE, reason=Reason.NEVER_REPORTED, detail=quantity))
    age = max(beginning.now - reading.measure_time, timedelta(0))
    stale = Why(topic=Topic.STATE, reason=Reason.STALE, detail=quantity)
    if age > beginning.limits.usable:
        return Missing(why=stale, age=age)
    if not low <= reading.value <= high:
        detail = f"{quantity} of {reading.value:g} cannot be"
        return Missing(why=Why(topic=Topic.STATE, reason=Reason.NOT_AVAILABLE, detail=detail))
    if age > max(beginning.limits.fresh, 2 * asset.points[quantity].reporting_interval):
        return Assumed(value=reading.value, why=stale, age=age)
    return Known(value=reading.value, age=age)
