"""Heated and cooled zones: how warm they are, what is wanted, and how they answer when known."""

from wattmesh_kernel.comfort import ZoneWishes, bands
from wattmesh_kernel.sites import HvacZoneRating
from wattmesh_planner.domain.facts import Assumed, Fact, Known, Missing, Reason, Topic, Why
from wattmesh_planner.domain.kinds.kind import Beginning, Needs
from wattmesh_planner.domain.kinds.readings import newest
from wattmesh_planner.domain.model import SiteAsset
from wattmesh_planner.domain.thermal import ZoneAfter, ZoneOutlook, ZoneStanding

TEMPERATURE = "temperature_celsius"
_COLDEST_CELSIUS, _WARMEST_CELSIUS = -10.0, 50.0
"""No zone that people use is outside of this: its sensor is."""
_TRIED_HOURS = range(2, 6)
"""When a rule tries how a zone answers: by night, when energy costs least nearly everywhere."""


class HvacZoneKind:
    """Keeps its comfort for the least money; by a rule until it is known how it answers."""

    needs = Needs(
        quantities=frozenset({TEMPERATURE}), price=True, controller=True, outlook=True, wishes=True
    )

    def counts(self, asset: SiteAsset) -> bool:
        """Always."""
        return True

    def steers(self, asset: SiteAsset) -> bool:
        """When a device controls it."""
        return asset.controller is not None

    def begin(self, asset: SiteAsset, beginning: Beginning) -> Fact[ZoneStanding]:
        """Return how it stands when the plan begins: assumed where a rule has to run it."""
        air = newest(asset, beginning, TEMPERATURE, _COLDEST_CELSIUS, _WARMEST_CELSIUS)
        if isinstance(air, Missing):
            return air
        said, wishes = _outlook(beginning), _wishes(beginning)
        outlook = said.first(len(beginning.intervals))
        rating = asset.rating
        assert isinstance(rating, HvacZoneRating)
        expected = outlook.occupancy_ratios
        low, high = bands(rating, wishes, expected, beginning.intervals, beginning.zone)
        standing = ZoneStanding(
            air_celsius=air.value,
            low_celsius=low,
            high_celsius=high,
            outlook=outlook,
            tries=tuple(
                each.astimezone(beginning.zone).hour in _TRIED_HOURS for each in beginning.intervals
            ),
            after=_after(rating, said.beyond(len(beginning.intervals)), wishes, beginning),
        )
        if standing.by_rule:
            why = Why(topic=Topic.FORECAST, reason=Reason.NOT_IDENTIFIED, detail=outlook.reason)
            if isinstance(beginning.outlook, Missing):
                why = beginning.outlook.why
            return Assumed(value=standing, why=why, age=air.age)
        if isinstance(beginning.wishes, Assumed | Missing):
            return Assumed(value=standing, why=beginning.wishes.why, age=beginning.wishes.age)
        if isinstance(air, Assumed):
            return Assumed(value=standing, why=air.why, age=air.age)
        return Known(value=standing, age=air.age)


def _outlook(beginning: Beginning) -> ZoneOutlook:
    """Return how the zone answers; without a model where nobody says it."""
    fact = beginning.outlook
    if isinstance(fact, Missing) or not isinstance(fact.value, ZoneOutlook):
        return ZoneOutlook(reason="forecast says nothing of it")
    return fact.value


def _after(
    rating: HvacZoneRating, outlook: ZoneOutlook, wishes: ZoneWishes, beginning: Beginning
) -> ZoneAfter | None:
    """Return what comes after the plan; None where not all of it is known."""
    starts, expected = beginning.later, outlook.occupancy_ratios
    known = {len(outlook.outdoor_celsius), len(outlook.gains_w)} == {len(starts)}
    if outlook.model is None or not starts or not known:
        return None
    if len(expected) not in (0, len(starts)):
        return None
    low, high = bands(rating, wishes, expected, starts, beginning.zone)
    return ZoneAfter(
        start=starts[0],
        resolution=starts[0] - beginning.intervals[-1],
        outdoor_celsius=outlook.outdoor_celsius,
        gains_w=outlook.gains_w,
        low_celsius=low,
        high_celsius=high,
        along_ratios=outlook.along_ratios,
    )


def _wishes(beginning: Beginning) -> ZoneWishes:
    """Return what is wanted; nothing, and so the rating's bands, where nobody says it."""
    fact = beginning.wishes
    if isinstance(fact, Missing) or not isinstance(fact.value, ZoneWishes):
        return ZoneWishes()
    return fact.value
