"""Readings as they are kept."""

from collections.abc import AsyncGenerator, Sequence

from wattmesh_metering.app.follow_site_model import FollowSiteModel
from wattmesh_metering.app.ports import Announcements, ReadingStore
from wattmesh_metering.domain.readings import (
    QUALITIES,
    Reading,
    RegisteredPoint,
    Rows,
    from_microseconds,
    to_microseconds,
)
from wattmesh_metering.domain.selectors import PointSelector


class WatchReadings:
    """Streams readings: the newest of each point first, then each as it is kept."""

    def __init__(
        self, follower: FollowSiteModel, store: ReadingStore, announcements: Announcements
    ) -> None:
        self._follower = follower
        self._store = store
        self._announcements = announcements

    async def run(self, selectors: Sequence[PointSelector]) -> AsyncGenerator[list[Reading], None]:
        """Yield readings, oldest first, until the caller leaves.

        The points of `-` are those of the beginning. Errors: NotFound; Unavailable when readings
        may have been missed: begin again, which yields the newest of each point.
        """
        chosen = await self._follower.find(lambda model: model.points_of(selectors))
        points = {point.key: point for point in chosen}
        async with self._announcements.subscribe(points.keys()) as announced:
            newest = (await self._store.latest(list(points.values()))).readings()
            yield sorted(newest, key=lambda reading: reading.measure_time)
            told = {(one.point, to_microseconds(one.measure_time)) for one in newest}
            async for rows in announced:
                readings = _readings(rows, points)
                fresh = [one for one in readings if _key(one) not in told]
                if fresh:
                    yield fresh


def _key(reading: Reading) -> tuple[object, int]:
    return reading.point, to_microseconds(reading.measure_time)


def _readings(rows: Rows, points: dict[int, RegisteredPoint]) -> list[Reading]:
    columns = (
        rows.times_us.tolist(),
        rows.keys.tolist(),
        rows.values.tolist(),
        rows.qualities.tolist(),
    )
    return [
        Reading(
            point=points[key].id,
            measure_time=from_microseconds(time_us),
            value=value,
            quality=QUALITIES[quality],
        )
        for time_us, key, value, quality in sorted(zip(*columns, strict=True))
    ]
