"""The connection to the electricity grid: limits, and whether the grid is there."""

from dataclasses import dataclass

from wattmesh_planner.domain.facts import Fact, Known, Missing
from wattmesh_planner.domain.kinds.kind import Beginning, Needs, Stateless
from wattmesh_planner.domain.kinds.readings import newest
from wattmesh_planner.domain.model import SiteAsset

CONNECTED = "grid_connected_ratio"


@dataclass(frozen=True, slots=True)
class Islanded:
    """The site is separated from the grid as the plan begins."""


class GridConnectionKind(Stateless):
    """Bounds what the rest of the site draws and feeds in."""

    needs = Needs(watched=frozenset({CONNECTED}))

    def begin(self, asset: SiteAsset, beginning: Beginning) -> Fact[Islanded | None]:
        """Return whether the switch at the connection stands open; not said: the grid is there."""
        if CONNECTED not in asset.points:
            return Known(value=None)
        shown = newest(asset, beginning, CONNECTED, 0.0, 1.0)
        if isinstance(shown, Missing):
            return Known(value=None)
        return Known(value=Islanded() if shown.value < 0.5 else None, age=shown.age)
