"""Batteries: rating and state in, a power per interval out."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from wattmesh.optimizer.v1 import plan_pb2, problem_pb2
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import BatteryRating
from wattmesh_planner.adapters.kinds.part import new_asset, rating_proto, schedule
from wattmesh_planner.domain.inputs import AssetInputs, SiteInputs
from wattmesh_planner.domain.plan import DeviceSchedule
from wattmesh_planner.domain.prices import terminal_value_per_kwh


class BatteryPart:
    """Charges at positive power, discharges at negative."""

    def add_to(self, problem: problem_pb2.Site, asset: AssetInputs, site: SiteInputs) -> None:
        """Add its rating, its state of charge, and what is stored at the end is worth."""
        rating = asset.asset.rating
        assert isinstance(rating, BatteryRating)
        battery = new_asset(problem, asset).battery
        battery.rating.CopyFrom(rating_proto(rating))
        battery.initial_soc_ratio = asset.state
        if site.price is not None:
            lowest = site.price.lowest_import_price_per_kwh
            battery.terminal_value_per_kwh = terminal_value_per_kwh(rating, lowest)

    def schedules(
        self, asset: AssetInputs, plan: plan_pb2.AssetPlan, start: datetime, resolution: timedelta
    ) -> Iterable[DeviceSchedule]:
        """Return its power in every interval."""
        return schedule(asset, SetpointKind.ACTIVE_POWER_W, list(plan.powers_w), start, resolution)
