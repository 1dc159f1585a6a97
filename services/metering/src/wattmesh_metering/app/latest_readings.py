"""The newest reading of points."""

from collections.abc import Sequence

from wattmesh_metering.app.follow_site_model import FollowSiteModel
from wattmesh_metering.app.ports import ReadingStore
from wattmesh_metering.domain.readings import Newest
from wattmesh_metering.domain.selectors import PointSelector


class GetLatestReadings:
    """Looks up the newest readings."""

    def __init__(self, follower: FollowSiteModel, store: ReadingStore) -> None:
        self._follower = follower
        self._store = store

    async def run(self, selectors: Sequence[PointSelector]) -> Newest:
        """Return the newest reading of each point that has one. Error: NotFound."""
        points = await self._follower.find(lambda model: model.points_of(selectors))
        return await self._store.latest(points)
