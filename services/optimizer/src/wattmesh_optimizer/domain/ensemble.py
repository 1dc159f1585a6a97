"""What else may come than what is expected: joint members of loads and renewable sources."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from wattmesh_optimizer.domain import checks
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.electrical import FixedLoad, RenewableSource
from wattmesh_optimizer.domain.site import Asset, Site

MOST_MEMBERS = 100
WORST_RATIO = 0.1
"""The part of all that may come which counts as the worst."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Ensemble:
    """Members beside the problem's own series, all of the same probability.

    Each has powers [kW] by the name of a load or source; what it does not name comes as expected.
    Decisions of the first `shared_duration` (one interval at least) are the same in all, later
    ones answer to each. `risk_ratio` of the weight lies on the mean cost of the worst tenth, the
    rest on that of all.
    """

    members: tuple[Mapping[str, Floats], ...]
    shared_duration: timedelta = timedelta(0)
    risk_ratio: float = 0.0

    def __post_init__(self) -> None:
        count = len(self.members)
        if not 0 < count <= MOST_MEMBERS:
            words = f"needs 1 to {MOST_MEMBERS}, not {count}"
            raise checks.refuse("ensemble.members", words)
        if self.shared_duration < timedelta(0):
            raise checks.refuse("ensemble.shared_duration", "must not be negative")
        checks.within("ensemble.risk_ratio", self.risk_ratio, 0, 1)

    @property
    def probability(self) -> float:
        """Of each member, the expected one included."""
        return 1.0 / (1 + len(self.members))

    def shared_count(self, resolution: timedelta, count: int) -> int:
        """Return how many intervals have decisions in common: an hour of quarters has 4."""
        return min(count, max(1, -(-self.shared_duration // resolution)))


def as_in(site: Site, powers_kw: Mapping[str, Floats]) -> Site:
    """Return a site as it is in a member."""
    return replace(site, assets=tuple(_asset_in(each, powers_kw) for each in site.assets))


def _asset_in(asset: Asset, powers_kw: Mapping[str, Floats]) -> Asset:
    powers = powers_kw.get(asset.name)
    if powers is None or not isinstance(asset.kind, FixedLoad | RenewableSource):
        return asset
    return replace(asset, kind=replace(asset.kind, powers_kw=powers))
