"""What people want, as a test sets it, and what was told of runs."""

from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.ports import SiteWishes
from wattmesh_planner.domain.runs import RunNews


class FakeWishes:
    """Knows what is wanted everywhere. `away`: it cannot be asked or told."""

    def __init__(self) -> None:
        self.wanted = SiteWishes()
        self.away = False
        self.told: list[RunNews] = []

    async def wishes(self, site: SiteId, span: TimeRange) -> SiteWishes:
        if self.away:
            raise Unavailable("GONE", "no usage")
        return self.wanted

    async def tell(self, news: RunNews) -> None:
        if self.away:
            raise Unavailable("GONE", "no usage")
        self.told.append(news)
