"""Loads as demand that cannot be moved, and of which a part is critical where the grid may go."""

from wattmesh.optimizer.v1 import problem_pb2
from wattmesh_kernel.sites import LoadRating
from wattmesh_planner.adapters.kinds.part import NotSteered, new_asset, powers_w
from wattmesh_planner.domain.inputs import AssetInputs, SiteInputs
from wattmesh_planner.domain.readiness import critical_powers_w


class LoadPart(NotSteered):
    """Consumes as forecast."""

    def add_to(self, problem: problem_pb2.Site, asset: AssetInputs, site: SiteInputs) -> None:
        """Add its power, and at a site that can do without the grid what of it is critical."""
        load = new_asset(problem, asset).fixed_load
        load.powers_w.extend(powers_w(asset))
        microgrid, rating = site.site.site.microgrid, asset.asset.rating
        if microgrid is not None and asset.forecast is not None:
            assert isinstance(rating, LoadRating)
            critical = critical_powers_w(rating, asset.forecast, microgrid)
            load.critical_powers_w.extend(critical.tolist())
