"""A generator's part of the problem, and the power that it gives out."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from wattmesh.optimizer.v1 import plan_pb2, problem_pb2
from wattmesh_contracts.values import duration_to_proto
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import GeneratorRating
from wattmesh_planner.adapters.kinds.part import new_asset, rating_proto, schedule
from wattmesh_planner.domain.inputs import AssetInputs, SiteInputs
from wattmesh_planner.domain.kinds.generator import GeneratorStanding
from wattmesh_planner.domain.plan import DeviceSchedule


class GeneratorPart:
    """Runs where its fuel, its starts and its carbon cost less than the grid."""

    def add_to(self, problem: problem_pb2.Site, asset: AssetInputs, site: SiteInputs) -> None:
        """Add it, with how it stands; how long is only said where it is known."""
        rating, standing = asset.asset.rating, asset.state
        assert isinstance(rating, GeneratorRating)
        assert isinstance(standing, GeneratorStanding)
        generator = new_asset(problem, asset).generator
        generator.rating.CopyFrom(rating_proto(rating))
        enough = rating.min_up_duration if standing.on else rating.min_down_duration
        since = enough if standing.since is None else standing.since
        generator.initial_state.on = standing.on
        generator.initial_state.duration.CopyFrom(duration_to_proto(since))

    def schedules(
        self, asset: AssetInputs, plan: plan_pb2.AssetPlan, start: datetime, resolution: timedelta
    ) -> Iterable[DeviceSchedule]:
        """Return its power, or on and off where it takes only that."""
        kinds = asset.asset.setpoint_kinds
        if kinds and SetpointKind.ACTIVE_POWER_W not in kinds:
            on = [1.0 if power_w < -0.5 else 0.0 for power_w in plan.powers_w]
            return schedule(asset, SetpointKind.ON_OFF, on, start, resolution)
        powers = list(plan.powers_w)
        return schedule(asset, SetpointKind.ACTIVE_POWER_W, powers, start, resolution)
