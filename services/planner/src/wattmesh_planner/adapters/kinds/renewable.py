"""What solar and wind generation have in common: a forecast, and a limit where it is curtailed."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from wattmesh.optimizer.v1 import asset_pb2, plan_pb2, problem_pb2
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_planner.adapters.kinds.part import new_asset, powers_w, schedule
from wattmesh_planner.domain.inputs import AssetInputs, SiteInputs
from wattmesh_planner.domain.kinds import KINDS
from wattmesh_planner.domain.plan import DeviceSchedule

CURTAILMENT_PRICE_PER_KWH = 1e-4
"""Just enough that nothing is curtailed for nothing."""
_NEGLIGIBLE_W = 1.0


class RenewablePart:
    """Generates as forecast, or less where its device can be told so."""

    def __init__(self, kind: asset_pb2.RenewableKind.ValueType) -> None:
        self._kind = kind

    def add_to(self, problem: problem_pb2.Site, asset: AssetInputs, site: SiteInputs) -> None:
        """Add what it would generate."""
        source = new_asset(problem, asset).renewable_source
        source.powers_w.extend(min(power, 0.0) for power in powers_w(asset))
        source.kind = self._kind
        source.curtailable = KINDS[type(asset.asset.rating)].steers(asset.asset)
        source.curtailment_price_per_kwh = CURTAILMENT_PRICE_PER_KWH

    def schedules(
        self, asset: AssetInputs, plan: plan_pb2.AssetPlan, start: datetime, resolution: timedelta
    ) -> Iterable[DeviceSchedule]:
        """Return a limit for each interval that is curtailed; nothing when none is."""
        if not plan.curtailed_powers_w:
            return ()
        limits = [
            -power if curtailed > _NEGLIGIBLE_W else None
            for power, curtailed in zip(plan.powers_w, plan.curtailed_powers_w, strict=True)
        ]
        return schedule(asset, SetpointKind.GENERATION_LIMIT_W, limits, start, resolution)
