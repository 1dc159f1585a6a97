"""Loads as demand that cannot be moved."""

from wattmesh.optimizer.v1 import problem_pb2
from wattmesh_planner.adapters.kinds.part import NotSteered, new_asset, powers_w
from wattmesh_planner.domain.inputs import AssetInputs, SiteInputs


class LoadPart(NotSteered):
    """Consumes as forecast."""

    def add_to(self, problem: problem_pb2.Site, asset: AssetInputs, site: SiteInputs) -> None:
        """Add its power."""
        new_asset(problem, asset).fixed_load.powers_w.extend(powers_w(asset))
