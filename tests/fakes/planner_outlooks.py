"""How zones and tanks answer, as a test sets it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.ports import OutlookAnswer


class FakeOutlooks:
    """Knows an outlook by asset. `away`: it cannot be asked."""

    def __init__(self) -> None:
        self.by_asset: dict[AssetId, OutlookAnswer] = {}
        self.away = False
        self.asked: list[AssetId] = []

    async def outlooks(
        self,
        assets: Sequence[AssetId],
        span: TimeRange,
        resolution: timedelta,
        within_seconds: float,
    ) -> Mapping[AssetId, OutlookAnswer]:
        self.asked += assets
        if self.away:
            raise Unavailable("GONE", "no forecast")
        return {asset: self.by_asset[asset] for asset in assets if asset in self.by_asset}
