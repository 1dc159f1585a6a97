"""Tanks of heat: how warm they are, and what will be drawn."""

from wattmesh_planner.domain.facts import Assumed, Fact, Known, Missing, Reason, Topic, Why
from wattmesh_planner.domain.kinds.kind import Beginning, Needs
from wattmesh_planner.domain.kinds.readings import newest
from wattmesh_planner.domain.model import SiteAsset
from wattmesh_planner.domain.thermal import TankOutlook, TankStanding

TEMPERATURE = "temperature_celsius"
_COLDEST_CELSIUS, _WARMEST_CELSIUS = 0.0, 100.0


class ThermalTankKind:
    """Keeps hot what its users draw; by a rule until it is known what they draw."""

    needs = Needs(quantities=frozenset({TEMPERATURE}), price=True, controller=True, outlook=True)

    def counts(self, asset: SiteAsset) -> bool:
        """Always."""
        return True

    def steers(self, asset: SiteAsset) -> bool:
        """When a device controls it."""
        return asset.controller is not None

    def begin(self, asset: SiteAsset, beginning: Beginning) -> Fact[TankStanding]:
        """Return how it stands when the plan begins: assumed where a rule has to run it."""
        warm = newest(asset, beginning, TEMPERATURE, _COLDEST_CELSIUS, _WARMEST_CELSIUS)
        if isinstance(warm, Missing):
            return warm
        fact = beginning.outlook
        known = TankOutlook(reason="forecast says nothing of it")
        if not isinstance(fact, Missing) and isinstance(fact.value, TankOutlook):
            known = fact.value.first(len(beginning.intervals))
        standing = TankStanding(
            celsius=warm.value, outlook=known, intervals=len(beginning.intervals)
        )
        if standing.by_rule:
            why = Why(topic=Topic.FORECAST, reason=Reason.NOT_IDENTIFIED, detail=known.reason)
            if isinstance(fact, Missing):
                why = fact.why
            return Assumed(value=standing, why=why, age=warm.age)
        if isinstance(warm, Assumed):
            return Assumed(value=standing, why=warm.why, age=warm.age)
        return Known(value=standing, age=warm.age)
