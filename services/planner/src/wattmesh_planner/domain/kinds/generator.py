"""Generator sets: whether they run when a plan begins, and for how long they have."""

from dataclasses import dataclass
from datetime import timedelta

from wattmesh_kernel.sites import GeneratorRating
from wattmesh_planner.domain.facts import Assumed, Fact, Known, Missing
from wattmesh_planner.domain.kinds.kind import Beginning, Needs
from wattmesh_planner.domain.kinds.readings import newest
from wattmesh_planner.domain.model import SiteAsset

POWER = "active_power_w"
_RUNS_RATIO = 0.02
"""Of its rated power: what a meter may show of one that stands still."""
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneratorStanding:
    """Whether it is on when the plan begins, and since when; `since` None: long enough."""

    on: bool
    since: timedelta | None = None


class GeneratorKind:
    """Gives out power when told to: started, at its least load or above, for its least times."""

    needs = Needs(quantities=frozenset({POWER}), price=True, controller=True)

    def counts(self, asset: SiteAsset) -> bool:
        """Always."""
        return True

    def steers(self, asset: SiteAsset) -> bool:
        """When a device controls it."""
        return asset.controller is not None

    def begin(self, asset: SiteAsset, beginning: Beginning) -> Fact[GeneratorStanding]:
        """Return how it stands when the plan begins.

        It does until then as it was told; where nothing was told, as its meter shows. How long it
        has done so is what it was told without a break.
        """
        rated_w = _rating(asset).max_output_power_w
        shown = newest(asset, beginning, POWER, -2 * rated_w, rated_w)
        if isinstance(shown, Missing):
            return shown
        standing = _as_told(beginning)
        if standing is None:
            standing = GeneratorStanding(on=shown.value < -_RUNS_RATIO * rated_w)
        if isinstance(shown, Assumed):
            return Assumed(value=standing, why=shown.why, age=shown.age)
        return Known(value=standing, age=shown.age)


def _as_told(beginning: Beginning) -> GeneratorStanding | None:
    """Return what it was told until the plan begins; None: nothing."""
    since, on = beginning.start, None
    for setpoint in reversed(beginning.told):
        if setpoint.range.end < since - _SECOND or setpoint.range.start >= since:
            if on is None:
                continue
            break
        told_on = setpoint.power_w < 0
        if on is not None and told_on is not on:
            return GeneratorStanding(on=on, since=beginning.start - since)
        on, since = told_on, setpoint.range.start
    return None if on is None else GeneratorStanding(on=on, since=beginning.start - since)


def _rating(asset: SiteAsset) -> GeneratorRating:
    rating = asset.rating
    assert isinstance(rating, GeneratorRating)
    return rating
