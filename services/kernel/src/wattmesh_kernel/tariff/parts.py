"""A tariff that changes, as the parts of time in which it says the same."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from wattmesh_kernel.tariff.calendar import billing_periods
from wattmesh_kernel.tariff.charges import BillingCycle
from wattmesh_kernel.tariff.model import Tariff
from wattmesh_kernel.time import TimeRange

ALWAYS_RANGE = TimeRange(datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))
"""All of time."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class TariffPart:
    """What holds in a range, which is as long as nothing changes."""

    range: TimeRange
    terms: Tariff

    def touches(self, span: TimeRange) -> bool:
        """Return whether any of a span is in it; of an empty span whether its instant is."""
        if span.empty:
            return self.range.contains(span.start)
        return self.range.start < span.end and span.start < self.range.end


@dataclass(frozen=True, kw_only=True, slots=True)
class Run(Generic[T]):
    """A charge that stands unchanged in parts that follow each other, and all of their range."""

    charge: T
    range: TimeRange
    cycle: BillingCycle

    def held(self, period: TimeRange) -> TimeRange:
        """Return what of a period that it touches it holds in."""
        return period if self.range is ALWAYS_RANGE else period.intersect(self.range) or period

    def within(self, span: TimeRange) -> TimeRange | None:
        """Return what of a span it holds in; of an empty one the instant, if it holds there."""
        if self.range is ALWAYS_RANGE:
            return span
        if span.empty:
            return span if self.range.contains(span.start) else None
        return self.range.intersect(span)


def parts_of(tariff: Tariff) -> tuple[TariffPart, ...]:
    """Return the parts of all of time, in order.

    A tariff with a version from Monday to Wednesday has three: itself, the version, and itself.
    """
    if not tariff.versions:
        return (TariffPart(range=ALWAYS_RANGE, terms=tariff),)
    edges = {ALWAYS_RANGE.start, ALWAYS_RANGE.end}
    for version in tariff.versions:
        edges |= {version.start, version.end or ALWAYS_RANGE.end}
    ordered = sorted(edges)
    itself = replace(tariff, versions=())
    found: list[TariffPart] = []
    for start, end in pairwise(ordered):
        terms = _terms_at(tariff, itself, start)
        if found and found[-1].terms is terms:
            start = found.pop().range.start
        found.append(TariffPart(range=TimeRange(start, end), terms=terms))
    return tuple(found)


def terms_at(tariff: Tariff, moment: datetime) -> Tariff:
    """Return the terms in force at an instant."""
    return next(each.terms for each in parts_of(tariff) if each.range.contains(moment))


def runs_of(parts: Iterable[TariffPart], charges: Callable[[Tariff], Iterable[T]]) -> list[Run[T]]:
    """Return the charges of parts in order; one that a change leaves as it was goes on.

    It does where the billing cycle stays as well: another cycle begins new periods.
    """
    runs: list[Run[T]] = []
    for number, part in enumerate(parts):
        for charge in charges(part.terms):
            run = Run(charge=charge, range=part.range, cycle=part.terms.billing_cycle)
            runs = _with(runs, run) if number else [*runs, run]
    return runs


def billing_periods_of(tariff: Tariff, span: TimeRange, zone: ZoneInfo) -> list[TimeRange]:
    """Return the billing periods that a span touches, in order; a change of the cycle ends one."""
    found: list[TimeRange] = []
    for run in runs_of(parts_of(tariff), lambda _: ("cycle",)):
        inside = run.within(span)
        if inside is not None:
            whole = billing_periods(run.cycle, inside, zone)
            found += [run.held(each) for each in whole]
    return found


def _terms_at(tariff: Tariff, itself: Tariff, moment: datetime) -> Tariff:
    for version in reversed(tariff.versions):
        if version.start <= moment and (version.end is None or moment < version.end):
            return version.terms
    return itself


def _with(runs: list[Run[T]], run: Run[T]) -> list[Run[T]]:
    for number, before in enumerate(runs):
        follows = before.range.end == run.range.start and before.cycle == run.cycle
        if follows and before.charge == run.charge:
            longer = replace(before, range=TimeRange(before.range.start, run.range.end))
            return [*runs[:number], longer, *runs[number + 1 :]]
    return [*runs, run]
