"""Events of demand response as a plan takes them, and what a plan promises of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.money import Money
from wattmesh_kernel.programme_ids import ParticipationId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

Values = NDArray[np.float64]
CONFIDENCE_RATIO = 0.9
"""With which a reduction is promised."""
MEDIAN_RATIO = 0.5
"""With which a planned power is: plans are made for medians."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitTerms:
    """Most power at the grid connection [W] per interval of the event; empty: no limit.

    With `node` it is that of a node of the topology. `max_phase_…` is for every single conductor.
    """

    max_import_w: tuple[float, ...] = ()
    max_export_w: tuple[float, ...] = ()
    max_phase_import_w: tuple[float, ...] = ()
    max_phase_export_w: tuple[float, ...] = ()
    node: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceTerms:
    """Prices [currency/kWh] per interval; empty: as the tariff. `additional`: on top of it."""

    import_per_kwh: tuple[float, ...] = ()
    export_per_kwh: tuple[float, ...] = ()
    additional: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ReductionTerms:
    """A reduction that is paid [currency/kWh]: most per interval [W]; empty: all there is.

    `price_per_kw` is paid for what is promised all through. Of a `test` nothing is paid.
    """

    price_per_kwh: float
    price_per_kw: float = 0.0
    test: bool = False
    powers_w: tuple[float, ...] = ()
    most_power_w: float | None = None
    """What the enrolment offers at most [W]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReserveTerms:
    """Power to hold ready [W] per interval, up and down; empty: none that way.

    `price_per_kw_hour` is paid for it. `promised`: the event has begun and these powers were
    promised, so that they are held whatever that costs; before, only what pays is offered.
    """

    up_w: tuple[float, ...] = ()
    down_w: tuple[float, ...] = ()
    activation: timedelta
    price_per_kw_hour: float = 0.0
    promised: bool = False
    test: bool = False


Terms = LimitTerms | PriceTerms | ReductionTerms | ReserveTerms


@dataclass(frozen=True, kw_only=True, slots=True)
class GridEvent:
    """What is asked of a site or group (`subject`) over `span`, in intervals of `step`.

    `baseline_w` is what a reduction is counted against [W], import positive; None: not known.
    `delivered_wh` is what counts of it before the plan [Wh]: negative where more was used.
    `usual_most_w` is what loads and generation came to in its hours on days before, but for one day
    of ten [W], import positive; None: not known.
    """

    id: ParticipationId
    subject: str
    span: TimeRange
    step: timedelta
    priority: int
    terms: Terms
    baseline_w: Series | None = None
    delivered_wh: float = 0.0
    usual_most_w: Series | None = None

    @property
    def starts(self) -> list[datetime]:
        """When its intervals start."""
        return self.span.starts(self.step)

    def at_most(
        self, values: tuple[float, ...], target: TimeRange, resolution: timedelta
    ) -> Values:
        """Return, per interval of a plan, the least of the event's values in it; inf outside."""
        found = np.full(target.count(resolution), np.inf)
        for start, value in zip(self.starts, values, strict=False):
            touched = _touched(TimeRange.of(start, self.step), target, resolution)
            found[touched] = np.minimum(found[touched], value)
        return found

    def asked_w(self, terms: ReductionTerms, target: TimeRange, resolution: timedelta) -> Values:
        """Return the largest reduction that is paid in each interval [W]; inf: no limit.

        It is what is asked, and no more than the enrolment offers.
        """
        asked = self.at_most(terms.powers_w, target, resolution)
        return asked if terms.most_power_w is None else np.minimum(asked, terms.most_power_w)

    def mean_of(
        self, values: tuple[float, ...], target: TimeRange, resolution: timedelta
    ) -> Values:
        """Return, per interval of a plan, the mean of the event's values in it; NaN outside."""
        whole = Series(self.span.start, self.step, np.array(values))
        starts = target.starts(resolution)
        pieces = [_mean_within(whole, TimeRange.of(start, resolution)) for start in starts]
        return np.array(pieces)

    def counted_wh(self, past: TimeRange, resolution: timedelta, net_wh: Values) -> float:
        """Return what counts of a reduction over `past` [Wh]; intervals not metered do not.

        A baseline of 3 kW and 1 kWh used in an hour count 2 kWh, if as much was asked and offered.
        """
        assert self.baseline_w is not None
        assert isinstance(self.terms, ReductionTerms)
        hours = resolution / timedelta(hours=1)
        baseline_w = self.mean_of(tuple(self.baseline_w.values.tolist()), past, resolution)
        asked_w = self.asked_w(self.terms, past, resolution)
        below_w = np.minimum(baseline_w - net_wh / hours, asked_w)
        return float(np.nansum(below_w)) * hours

    def least_on_steps(self, planned: Series) -> tuple[float, ...] | None:
        """Return the least of a plan's values in each of the event's intervals; None: it ends."""
        if not planned.range.covers(self.span):
            return None
        spans = [TimeRange.of(each, planned.resolution) for each in planned.times()]
        values = planned.values.tolist()
        return tuple(
            min(
                value
                for span, value in zip(spans, values, strict=True)
                if span.intersect(TimeRange.of(start, self.step)) is not None
            )
            for start in self.starts
        )

    def on_steps(self, planned: Series) -> tuple[float, ...] | None:
        """Return the means of a plan's values over the event's intervals; None: it ends before."""
        if not planned.range.covers(self.span):
            return None
        return tuple(_mean_within(planned, TimeRange.of(each, self.step)) for each in self.starts)


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteHolding:
    """What a site of a group holds of its reserve [W] per step, beside what is planned there."""

    site: str
    planned_w: tuple[float, ...]
    up_w: tuple[float, ...]
    down_w: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Promise:
    """What a plan promises of an event: reduction, or power at the grid connection [W] per step.

    `up_w` and `down_w` are what it holds for a reserve; `sites` how that is divided, of a group.
    """

    event: ParticipationId
    baseline_w: tuple[float, ...]
    committed_w: tuple[float, ...]
    confidence_ratio: float
    expected_cost: Money | None = None
    expected_payment: Money | None = None
    up_w: tuple[float, ...] = ()
    down_w: tuple[float, ...] = ()
    sites: tuple[SiteHolding, ...] = ()


def in_order(events: tuple[GridEvent, ...]) -> tuple[GridEvent, ...]:
    """Return events, those that go before others first."""
    return tuple(sorted(events, key=lambda each: (-each.priority, each.id)))


def runs(
    values: Values, target: TimeRange, resolution: timedelta
) -> Iterator[tuple[TimeRange, float]]:
    """Yield the ranges over which a value stays the same; NaN and inf are none."""
    starts = target.starts(resolution)
    index = 0
    while index < len(values):
        end = index + 1
        while end < len(values) and values[end] == values[index]:
            end += 1
        if np.isfinite(values[index]):
            span = TimeRange.of(starts[index], (end - index) * resolution)
            yield span, float(values[index])
        index = end


def _touched(span: TimeRange, target: TimeRange, resolution: timedelta) -> Values:
    starts = target.starts(resolution)
    return np.array([TimeRange.of(each, resolution).intersect(span) is not None for each in starts])


def _mean_within(series: Series, span: TimeRange) -> float:
    """Return the mean of a series over a span, weighed by time; NaN where it has nothing."""
    total = weight = 0.0
    for start, value in zip(series.times(), series.values.tolist(), strict=True):
        common = TimeRange.of(start, series.resolution).intersect(span)
        if common is not None:
            total += value * common.duration.total_seconds()
            weight += common.duration.total_seconds()
    return total / weight if weight else float("nan")
