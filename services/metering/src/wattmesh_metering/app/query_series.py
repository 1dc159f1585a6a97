"""Points' readings as regular series."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import InvalidArgument, NotFound
from wattmesh_kernel.quantities import Kind
from wattmesh_kernel.series import Series
from wattmesh_metering.app.follow_site_model import FollowSiteModel
from wattmesh_metering.app.ports import NOW, ReadingStore, View
from wattmesh_metering.domain import resampling
from wattmesh_metering.domain.coverage import Worth, worth_of_points
from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.intervals import Intervals, require_size
from wattmesh_metering.domain.readings import Floats, History, Ints, RegisteredPoint
from wattmesh_metering.domain.resampling import LAST_READING_AGE, Aggregation
from wattmesh_metering.domain.selectors import PointSelector

_NO_REACH = timedelta(0)
MOST_QUESTIONS = 1_000
"""Most series that are asked for at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesQuestion:
    """Which point, which intervals, and how readings become a series."""

    point: PointSelector
    intervals: Intervals
    aggregation: Aggregation
    view: View = NOW


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PointSeries:
    """A series in the unit of the point, and what it is worth, if asked for."""

    series: Series
    worth: Worth | None = None


_OF_ONE: Mapping[Aggregation, Callable[[History, Ints], Floats]] = MappingProxyType(
    {
        Aggregation.MEAN: resampling.mean,
        Aggregation.LAST: resampling.last_before,
        Aggregation.MAX: resampling.largest,
        Aggregation.COUNT: resampling.count,
    }
)
"""What becomes of one point's readings; increases are those of many registers at once."""

_Asked: TypeAlias = tuple[RegisteredPoint, SeriesQuestion]

SeriesAnswer: TypeAlias = PointSeries | InvalidArgument | NotFound
"""A series, or why there is none."""


class QuerySeries:
    """Resamples points' readings.

    Parameters: `longest_gap` is how far apart two readings of a register may be for its value
    between them to be interpolated.
    """

    def __init__(
        self, follower: FollowSiteModel, store: ReadingStore, longest_gap: timedelta
    ) -> None:
        self._follower = follower
        self._store = store
        self._longest_gap = longest_gap

    async def run(self, question: SeriesQuestion) -> PointSeries:
        """Return the series in the unit of the point.

        Errors: NotFound; InvalidArgument for the increase of something that is no register.
        """
        (answer,) = await self.each([question])
        if not isinstance(answer, PointSeries):
            raise answer
        return answer

    async def each(
        self, questions: Sequence[SeriesQuestion | InvalidArgument]
    ) -> list[SeriesAnswer]:
        """Answer each question by itself, in the order asked; a refusal stands for itself."""
        points = [await self._point(each) for each in questions]
        asked = [
            (point, question)
            for point, question in zip(points, questions, strict=True)
            if isinstance(point, RegisteredPoint) and isinstance(question, SeriesQuestion)
        ]
        require_size(sum(question.intervals.count for _, question in asked))
        of_view = {
            view: await self._store.histories_each(self._spans(asked, view), view)
            for view in {question.view for _, question in asked}
        }
        series = iter(self._series(asked, of_view))
        return [next(series) if isinstance(x, RegisteredPoint) else x for x in points]

    def _spans(self, asked: Sequence[_Asked], view: View) -> dict[int, tuple[datetime, datetime]]:
        """Return between which times readings of each point are needed in this view."""
        spans = dict[int, tuple[datetime, datetime]]()
        for point, question in asked:
            if question.view == view:
                first, last = self._span(question)
                begun, ended = spans.get(point.key, (first, last))
                spans[point.key] = min(first, begun), max(last, ended)
        return spans

    async def _point(
        self, question: SeriesQuestion | InvalidArgument
    ) -> RegisteredPoint | InvalidArgument | NotFound:
        if isinstance(question, InvalidArgument):
            return question
        selector = question.point
        try:
            require(selector.point is not None, "ONE_POINT", "one point has one series", "point")
            (point,) = await self._follower.find(lambda model: model.points(selector))
            _check(point, question.aggregation)
        except (InvalidArgument, NotFound) as refusal:
            return refusal
        return point

    def _span(self, question: SeriesQuestion) -> tuple[datetime, datetime]:
        """Return between which times readings say something of the intervals."""
        before, after = _NO_REACH, _NO_REACH
        if question.view.qualities:
            before = after = self._longest_gap
        if question.aggregation is Aggregation.INCREASE:
            before = after = self._longest_gap
        elif question.aggregation is Aggregation.LAST:
            before = max(before, LAST_READING_AGE)
        asked = question.intervals.range
        return asked.start - before, asked.end + after

    def _series(
        self, asked: Sequence[_Asked], of_view: Mapping[View, Histories]
    ) -> list[PointSeries]:
        """Return the series in the order asked; the increases of a length all at once."""
        found: dict[int, Floats] = {}
        alike: dict[tuple[View, int], list[int]] = {}
        for place, (point, question) in enumerate(asked):
            if question.aggregation is Aggregation.INCREASE:
                alike.setdefault((question.view, question.intervals.count), []).append(place)
            else:
                history = of_view[question.view].of(point.key)
                values_of = _OF_ONE[question.aggregation]
                found[place] = values_of(history, question.intervals.bounds_us())
        for (view, _), places in alike.items():
            bounds_us = np.stack([asked[place][1].intervals.bounds_us() for place in places])
            keys = [asked[place][0].key for place in places]
            rises = of_view[view].rises(keys, bounds_us, self._longest_gap_us)
            found |= dict(zip(places, rises, strict=True))
        return [
            PointSeries(
                series=question.intervals.series(found[place]),
                worth=self._worth(point, of_view[question.view], question),
            )
            for place, (point, question) in enumerate(asked)
        ]

    def _worth(
        self, point: RegisteredPoint, histories: Histories, question: SeriesQuestion
    ) -> Worth | None:
        if not question.view.qualities:
            return None
        bounds_us = question.intervals.bounds_us()
        return worth_of_points(
            histories,
            [point.key],
            bounds_us,
            self._longest_gap_us,
            interpolated=question.aggregation is Aggregation.INCREASE,
        )

    @property
    def _longest_gap_us(self) -> int:
        return self._longest_gap // timedelta(microseconds=1)


def _check(point: RegisteredPoint, aggregation: Aggregation) -> None:
    require(
        aggregation is not Aggregation.INCREASE or point.quantity.kind is Kind.REGISTER,
        "NO_REGISTER",
        f"{point.id} is no register, it has no increase",
        "aggregation",
    )
