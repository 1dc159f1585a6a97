"""One point's readings as a regular series."""

from datetime import timedelta
from typing import assert_never

from wattmesh_kernel.checks import require
from wattmesh_kernel.quantities import Kind
from wattmesh_kernel.series import Series
from wattmesh_metering.app.follow_site_model import FollowSiteModel
from wattmesh_metering.app.ports import ReadingStore
from wattmesh_metering.domain import resampling
from wattmesh_metering.domain.intervals import Intervals
from wattmesh_metering.domain.readings import Floats, History, RegisteredPoint
from wattmesh_metering.domain.resampling import LAST_READING_AGE, Aggregation
from wattmesh_metering.domain.selectors import PointSelector


class QuerySeries:
    """Resamples a point's readings.

    Parameters: `longest_gap` is how far apart two readings of a register may be for its value
    between them to be interpolated.
    """

    def __init__(
        self, follower: FollowSiteModel, store: ReadingStore, longest_gap: timedelta
    ) -> None:
        self._follower = follower
        self._store = store
        self._longest_gap = longest_gap

    async def run(
        self, selector: PointSelector, intervals: Intervals, aggregation: Aggregation
    ) -> Series:
        """Return the series in the unit of the point.

        Errors: NotFound; InvalidArgument for the increase of something that is no register.
        """
        require(selector.point is not None, "ONE_POINT", "one point has one series", "point")
        (point,) = await self._follower.find(lambda model: model.points(selector))
        _check(point, aggregation)
        reach = max(self._longest_gap, LAST_READING_AGE)
        histories = await self._store.histories(
            [point.key], intervals.range.start - reach, intervals.range.end + self._longest_gap
        )
        return intervals.series(self._resample(histories.of(point.key), intervals, aggregation))

    def _resample(self, history: History, intervals: Intervals, aggregation: Aggregation) -> Floats:
        bounds_us = intervals.bounds_us()
        match aggregation:
            case Aggregation.MEAN:
                return resampling.mean(history, bounds_us)
            case Aggregation.LAST:
                return resampling.last_before(history, bounds_us)
            case Aggregation.INCREASE:
                gap_us = self._longest_gap // timedelta(microseconds=1)
                return resampling.increase(history, bounds_us, gap_us)
            case Aggregation.MAX:
                return resampling.largest(history, bounds_us)
            case Aggregation.COUNT:
                return resampling.count(history, bounds_us)
            case never:
                assert_never(never)


def _check(point: RegisteredPoint, aggregation: Aggregation) -> None:
    require(
        aggregation is not Aggregation.INCREASE or point.quantity.kind is Kind.REGISTER,
        "NO_REGISTER",
        f"{point.id} is no register, it has no increase",
        "aggregation",
    )
