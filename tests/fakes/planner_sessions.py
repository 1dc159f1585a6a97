"""Who is at the charge points, as a test sets it."""

from collections.abc import Mapping

from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_planner.domain.charging import ChargingSession


class FakeSessions:
    """Knows a session by charge point. `away`: it cannot be asked."""

    def __init__(self) -> None:
        self.by_asset: dict[AssetId, ChargingSession] = {}
        self.away = False
        self.asked: list[SiteId] = []

    async def sessions(self, site: SiteId) -> Mapping[AssetId, ChargingSession]:
        self.asked.append(site)
        if self.away:
            raise Unavailable("GONE", "no usage")
        return {asset: each for asset, each in self.by_asset.items() if asset.site == site}
