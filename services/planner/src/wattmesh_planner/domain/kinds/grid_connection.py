"""The connection to the electricity grid: limits, and nothing to know."""

from wattmesh_planner.domain.kinds.kind import Needs, Stateless


class GridConnectionKind(Stateless):
    """Bounds what the rest of the site draws and feeds in."""

    needs = Needs()
