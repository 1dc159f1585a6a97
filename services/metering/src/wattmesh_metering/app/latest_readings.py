"""The newest reading of points."""

from collections.abc import Sequence

from wattmesh_metering.app.ports import ReadingStore
from wattmesh_metering.domain.readings import Reading
from wattmesh_metering.domain.selectors import PointSelector


class GetLatestReadings:
    """Looks up the newest readings."""

    def __init__(self, store: ReadingStore) -> None:
        self._store = store

    async def run(self, selectors: Sequence[PointSelector]) -> Sequence[Reading]:
        """Return the newest reading of each point that has one. Error: NotFound."""
        return await self._store.latest(await self._store.points(selectors))
