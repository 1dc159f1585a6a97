"""What a plan counts on at a site's grid connection: the loops that guard it go by that."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.loop_policy import LoopLimit, LoopWorth
from wattmesh_kernel.time import TimeRange
from wattmesh_kernel.worth import EnergyWorth

PEAK = "the plan's peak"
_MOST_INTERVALS = 1000
_SHORTEST_MEAN, _LONGEST_MEAN = timedelta(minutes=1), timedelta(days=1)
_MOST_PEAKS = 8
_MOST_WORTHS = 16
_FIELD = "intervals"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExchangeInterval:
    """Power at the grid connection over a range [W], importing positive; None: nothing is said.

    `peak_power_w`: the highest mean of imported power over each `averaging` of the UTC raster.
    `worth`: what energy is worth in it, by which loops move commands.
    Error: InvalidArgument.
    """

    span: TimeRange
    net_power_w: float | None = None
    peak_power_w: float | None = None
    averaging: timedelta | None = None
    worth: EnergyWorth | None = None

    def __post_init__(self) -> None:
        if self.span.empty:
            raise InvalidArgument("INVALID_RANGE", "an interval needs a duration", field=_FIELD)
        for power_w in (self.net_power_w, self.peak_power_w):
            if power_w is not None and not math.isfinite(power_w):
                raise InvalidArgument("INVALID_VALUE", f"{power_w} is not finite", field=_FIELD)
        if self.peak_power_w is not None:
            self._check_peak(self.peak_power_w)

    def _check_peak(self, power_w: float) -> None:
        if power_w < 0:
            raise InvalidArgument("INVALID_VALUE", "a peak is not negative", field=_FIELD)
        if self.averaging is None or not _SHORTEST_MEAN <= self.averaging <= _LONGEST_MEAN:
            raise InvalidArgument(
                "INVALID_DURATION", "a peak is a mean over a minute to a day", field=_FIELD
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class ExchangeSchedule:
    """What one owner counts on at one site, in order of time.

    Error: InvalidArgument when intervals overlap, are out of order, or too many.
    """

    site: SiteId
    intervals: tuple[ExchangeInterval, ...]

    def __post_init__(self) -> None:
        if not 0 < len(self.intervals) <= _MOST_INTERVALS:
            raise InvalidArgument(
                "INVALID_VALUE", f"1 to {_MOST_INTERVALS} intervals are taken", field=_FIELD
            )
        for earlier, later in zip(self.intervals, self.intervals[1:], strict=False):
            if later.span.start < earlier.span.end:
                raise InvalidArgument(
                    "SETPOINTS_OVERLAP",
                    f"{self.site}: {later.span} begins before {earlier.span} ends",
                    field=_FIELD,
                )

    @property
    def span(self) -> TimeRange:
        """From the first interval's start to the last one's end."""
        return TimeRange(self.intervals[0].span.start, self.intervals[-1].span.end)


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingExchange:
    """A schedule that was taken: of an owner's, the newest that has begun counts."""

    number: int
    owner: str
    priority: int
    schedule: ExchangeSchedule


def exchange_of(
    site: SiteId, standing: Iterable[StandingExchange], moment: datetime
) -> tuple[ExchangeInterval, ...]:
    """Return what counts at a site from `moment` on: the interval that runs, then what follows.

    The highest priority's, among equals the newest's. Empty: nobody counts on anything now.
    """
    newest: dict[str, StandingExchange] = {}
    for each in standing:
        if each.schedule.site == site and each.schedule.span.start <= moment:
            older = newest.get(each.owner)
            if older is None or _age(each) > _age(older):
                newest[each.owner] = each
    running = [each for each in newest.values() if _left(each, moment)]
    if not running:
        return ()
    return _left(max(running, key=lambda each: (each.priority, each.number)), moment)


def peaks_of(intervals: Sequence[ExchangeInterval]) -> list[LoopLimit]:
    """Return the peaks of intervals as limits of a loop, those alike that follow each other one."""
    found: list[LoopLimit] = []
    for (peak_w, averaging, _), alike in groupby(_in_runs(intervals), key=lambda each: each[0]):
        run = [interval for _, interval in alike]
        if peak_w is not None:
            found.append(
                LoopLimit(
                    id=PEAK,
                    max_import_power_w=peak_w,
                    averaging_interval=averaging,
                    start=run[0].span.start,
                    expire=run[-1].span.end,
                    only_metered=True,
                )
            )
    return found[:_MOST_PEAKS]


def worths_of(
    site: SiteId, standing: Iterable[StandingExchange], moment: datetime
) -> tuple[LoopWorth, ...]:
    """Return what energy is worth at a site from `moment` on, the first that is known of.

    Where schedules overlap the newer counts from where it begins, of several owners the highest
    priority alone.
    """
    own = [each for each in standing if each.schedule.site == site]
    telling = [each for each in own if any(_worth_left(each, moment))]
    if not telling:
        return ()
    owner = max(telling, key=lambda each: (each.priority, each.number)).owner
    found: dict[datetime, LoopWorth] = {}
    for each in sorted((each for each in own if each.owner == owner), key=_age):
        kept = {
            start: before
            for start, before in found.items()
            if before.span.end <= each.schedule.span.start
        }
        found = kept | {new.span.start: new for new in _worth_left(each, moment)}
    return tuple(found[start] for start in sorted(found))[:_MOST_WORTHS]


def _worth_left(standing: StandingExchange, moment: datetime) -> Iterator[LoopWorth]:
    for each in standing.schedule.intervals:
        if each.worth is not None and each.span.end > moment:
            yield LoopWorth(span=each.span, worth=each.worth, owner=standing.owner)


_Kind = tuple[float | None, timedelta | None, int]


def _in_runs(
    intervals: Sequence[ExchangeInterval],
) -> Iterable[tuple[_Kind, ExchangeInterval]]:
    """Give intervals with what makes them alike: the peak, and that there is no gap between."""
    run, end = 0, None
    for each in intervals:
        run += each.span.start != end
        end = each.span.end
        yield (each.peak_power_w, each.averaging, run), each


def _age(standing: StandingExchange) -> tuple[datetime, int]:
    return standing.schedule.span.start, standing.number


def _left(standing: StandingExchange, moment: datetime) -> tuple[ExchangeInterval, ...]:
    """Return the intervals from the one that runs on; empty when none does."""
    left = tuple(each for each in standing.schedule.intervals if each.span.end > moment)
    return left if left and left[0].span.start <= moment else ()
