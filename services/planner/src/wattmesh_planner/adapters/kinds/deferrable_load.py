"""Work that can wait: the run that is next in, on and off or a power out."""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

from wattmesh.optimizer.v1 import asset_pb2, plan_pb2, problem_pb2
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import DeferrableRating
from wattmesh_planner.adapters.kinds.part import new_asset, rating_proto, schedule
from wattmesh_planner.domain.inputs import AssetInputs, SiteInputs
from wattmesh_planner.domain.plan import DeviceSchedule
from wattmesh_planner.domain.runs import RunToDo

SHORTFALL_PRICE_PER_KWH = 10.0
"""What a kWh counts that a run does not get [currency/kWh]: more than any energy costs."""
_HOUR = timedelta(hours=1)


class DeferrableLoadPart:
    """Runs when it costs least within its window; idle without a run."""

    def add_to(self, problem: problem_pb2.Site, asset: AssetInputs, site: SiteInputs) -> None:
        """Add what is left of its run; idle without one."""
        to_do: RunToDo | None = asset.state
        load = new_asset(problem, asset).deferrable_load
        load.rating.CopyFrom(rating_proto(_rating(asset)))
        if to_do is None or to_do.over:
            load.interruptible_run.energy_wh = 0.0
            return
        load.shortfall_price_per_kwh = SHORTFALL_PRICE_PER_KWH * (1.0 + to_do.run.priority / 100)
        load.latest_end_time.CopyFrom(timestamp_to_proto(to_do.latest_end))
        if not to_do.run.begun:
            load.earliest_start_time.CopyFrom(timestamp_to_proto(to_do.earliest_start))
        if to_do.profile_w:
            load.profile_run.powers_w.extend(to_do.profile_w)
            load.profile_run.elapsed_count = to_do.elapsed
            if to_do.elapsed:
                load.ClearField("latest_end_time")
            return
        if _rating(asset).interruptible or to_do.run.begun:
            load.interruptible_run.energy_wh = to_do.energy_wh
            return
        powers = _at_once(to_do.energy_wh, _rating(asset).max_power_w, to_do.resolution)
        load.profile_run.CopyFrom(asset_pb2.ProfileRun(powers_w=powers))

    def schedules(
        self, asset: AssetInputs, plan: plan_pb2.AssetPlan, start: datetime, resolution: timedelta
    ) -> Iterable[DeviceSchedule]:
        """Return when it is on, or its power where it takes only that."""
        kinds = asset.asset.setpoint_kinds
        if kinds and SetpointKind.ON_OFF not in kinds:
            powers = list(plan.powers_w)
            return schedule(asset, SetpointKind.ACTIVE_POWER_W, powers, start, resolution)
        on = [1.0 if power_w > 0.5 else 0.0 for power_w in plan.powers_w]
        return schedule(asset, SetpointKind.ON_OFF, on, start, resolution)


def _at_once(energy_wh: float, most_w: float, resolution: timedelta) -> list[float]:
    """Return the powers of a run without a pause [W]: 2.5 kWh at 2 kW by the hour: 2, 0.5 kW."""
    whole_wh = most_w * (resolution / _HOUR)
    count = max(1, math.ceil(energy_wh / whole_wh - 1e-9))
    rest_w = (energy_wh - (count - 1) * whole_wh) / (resolution / _HOUR)
    return [most_w] * (count - 1) + [rest_w]


def _rating(asset: AssetInputs) -> DeferrableRating:
    rating = asset.asset.rating
    assert isinstance(rating, DeferrableRating)
    return rating
