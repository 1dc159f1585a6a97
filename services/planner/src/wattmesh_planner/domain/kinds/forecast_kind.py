"""What kinds without a state have in common that are forecast: whether their meter still speaks."""

from datetime import timedelta
from typing import Any

from wattmesh_planner.domain.facts import Assumed, Fact, Known, Reason, Topic, Why
from wattmesh_planner.domain.kinds.kind import Beginning, Needs, Stateless
from wattmesh_planner.domain.model import SiteAsset

_METERED = frozenset({"active_power_w", "import_energy_wh", "export_energy_wh"})


class ForecastKind(Stateless):
    """A kind whose power is forecast from what was metered of it."""

    needs = Needs(forecast=True, watched=_METERED)

    def begin(self, asset: SiteAsset, beginning: Beginning) -> Fact[Any]:
        """It has no state; but a forecast learns nothing of what was not metered for a day.

        Nothing is said of an asset without a meter of its own.
        """
        watched = self.needs.watched & asset.points.keys()
        times = [each.measure_time for each in beginning.readings.values()]
        if not watched:
            return Known(value=None)
        if not times:
            return Assumed(value=None, why=_why(Reason.NEVER_REPORTED))
        age = max(beginning.now - max(times), timedelta(0))
        if age >= beginning.limits.usable:
            return Assumed(value=None, why=_why(Reason.STALE), age=age)
        return Known(value=None, age=age)


def _why(reason: Reason) -> Why:
    return Why(topic=Topic.FORECAST, reason=reason, detail="nothing is metered of it")
