"""What every kind's part of a problem is made with."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol

from wattmesh.optimizer.v1 import asset_pb2, plan_pb2, problem_pb2
from wattmesh_contracts.ratings import rating_to_proto
from wattmesh_contracts.sites import phase_to_proto
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Rating
from wattmesh_planner.domain.inputs import AssetInputs, SiteInputs
from wattmesh_planner.domain.plan import DeviceSchedule


class Part(Protocol):
    """One kind's part of the problem, and its setpoints; a class without state."""

    def add_to(self, problem: problem_pb2.Site, asset: AssetInputs, site: SiteInputs) -> None:
        """Add the asset to its site in the problem."""

    def schedules(
        self, asset: AssetInputs, plan: plan_pb2.AssetPlan, start: datetime, resolution: timedelta
    ) -> Iterable[DeviceSchedule]:
        """Return what the plan has the asset's device do, from `start` on."""


class NotSteered:
    """A part without setpoints."""

    def schedules(
        self, asset: AssetInputs, plan: plan_pb2.AssetPlan, start: datetime, resolution: timedelta
    ) -> Iterable[DeviceSchedule]:
        """There are none."""
        return ()


def powers_w(asset: AssetInputs) -> list[float]:
    """Return the expected power per interval [W]; every interval has one."""
    if asset.forecast is None:
        raise FailedPrecondition("NO_FORECAST", f"{asset.asset.name} has no forecast")
    values: list[float] = asset.forecast.power_w.values.tolist()
    return values


def schedule(
    asset: AssetInputs,
    kind: SetpointKind,
    values: Sequence[float | None],
    start: datetime,
    resolution: timedelta,
    decimals: int = 0,
) -> Iterable[DeviceSchedule]:
    """Return the schedule of an asset's device; none where no device controls it.

    Values are whole, or of so many decimals: what a device resolves and a read-back can be held
    against.
    """
    device = asset.asset.controller
    if device is None or all(value is None for value in values):
        return ()
    whole = tuple(None if value is None else float(round(value, decimals)) for value in values)
    return (
        DeviceSchedule(
            asset=asset.asset.id,
            device=device,
            kind=kind,
            start=start,
            resolution=resolution,
            values=whole,
        ),
    )


@lru_cache(maxsize=4096)
def rating_proto(rating: Rating) -> Any:
    """Return a rating as its proto, which nobody changes: it is the same from plan to plan."""
    return rating_to_proto(rating)


def new_asset(problem: problem_pb2.Site, asset: AssetInputs) -> asset_pb2.Asset:
    """Add an asset without a kind to a site's problem, where it hangs in the site's topology."""
    known = asset.asset.asset
    return problem.assets.add(
        name=known.name, node_id=known.node_id, phase=phase_to_proto(known.phase)
    )
