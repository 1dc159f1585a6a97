"""The connection to the electricity grid: the limits of its site."""

from wattmesh.optimizer.v1 import problem_pb2
from wattmesh_kernel.sites import GridConnectionRating
from wattmesh_planner.adapters.kinds.part import NotSteered
from wattmesh_planner.domain.inputs import AssetInputs, SiteInputs


class GridConnectionPart(NotSteered):
    """Not an asset of the problem: everything else of the site hangs on it."""

    def add_to(self, problem: problem_pb2.Site, asset: AssetInputs, site: SiteInputs) -> None:
        """Add the connection's limits, where it has any."""
        rating = asset.asset.rating
        assert isinstance(rating, GridConnectionRating)
        if rating != GridConnectionRating():
            problem.connection_limits.CopyFrom(
                problem_pb2.PowerLimits(
                    max_import_power_w=rating.max_import_power_w,
                    max_export_power_w=rating.max_export_power_w,
                    max_phase_import_power_w=rating.max_phase_import_power_w,
                    max_phase_export_power_w=rating.max_phase_export_power_w,
                )
            )
