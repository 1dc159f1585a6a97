"""When which register counts for an asset, and the energy that they make together."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import Floats, Ints, Mask

EVER = -(2**62)
"""Start of a span that holds ever since [us since 1970]."""
FOREVER = 2**62
"""End of a span that holds until further notice [us since 1970]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MeterSpan:
    """A register that counts for an asset in [start_us, end_us) [us since 1970].

    `main`: alone, else together with other parts. `gone`: its device was deleted.
    """

    key: int
    main: bool = True
    gone: bool = False
    start_us: int = EVER
    end_us: int = FOREVER


@dataclass(frozen=True, kw_only=True, slots=True)
class Meters:
    """The registers of one direction of an asset; `deleted_us`: from then on there is no asset."""

    spans: tuple[MeterSpan, ...]
    deleted_us: int | None = None


def energies(
    all_meters: Sequence[Meters], histories: Histories, bounds_us: Ints, longest_gap_us: int
) -> Floats:
    """Return the energy of each, one row of intervals each [Wh].

    It is the sum of what its registers rose while they counted; NaN for an interval of which not
    all is counted, or in which a register is not known where it begins or ends to count.
    """
    pieces = [counting(meters.spans, histories) for meters in all_meters]
    result = _sums(pieces, histories, bounds_us, longest_gap_us)
    for row, (meters, own) in enumerate(zip(all_meters, pieces, strict=True)):
        if not any(each.start_us == EVER and each.end_us == FOREVER for each in own):
            result[row, ~_covered(meters, own, bounds_us)] = np.nan
    return result


def counting(spans: Sequence[MeterSpan], histories: Histories) -> Sequence[MeterSpan]:
    """Return the parts of spans that count, none beside a main one.

    Functions of living devices never contradict each other. What a deleted device has measured
    goes before them, from its first reading to its last: so a meter that replaces it counts from
    there on, even when nobody said from when.
    """
    if not any(span.gone for span in spans):
        return spans
    counted: list[MeterSpan] = []
    for span in sorted(spans, key=lambda each: (not each.gone, each.end_us)):
        known = list(_with_readings(span, histories)) if span.gone else [span]
        for before in tuple(counted):
            if before.gone and (before.key == span.key or before.main or span.main):
                known = [part for each in known for part in _without(each, before)]
        counted.extend(known)
    return counted


def _with_readings(span: MeterSpan, histories: Histories) -> Iterator[MeterSpan]:
    times_us = histories.of(span.key).times_us
    if len(times_us):
        start, end = max(span.start_us, int(times_us[0])), min(span.end_us, int(times_us[-1]))
        if start < end:
            yield replace(span, start_us=start, end_us=end)


def _without(span: MeterSpan, other: MeterSpan) -> Iterator[MeterSpan]:
    if span.start_us < min(span.end_us, other.start_us):
        yield replace(span, end_us=min(span.end_us, other.start_us))
    if max(span.start_us, other.end_us) < span.end_us:
        yield replace(span, start_us=max(span.start_us, other.end_us))


def _sums(
    pieces: Sequence[Sequence[MeterSpan]],
    histories: Histories,
    bounds_us: Ints,
    longest_gap_us: int,
) -> Floats:
    flat = [piece for own in pieces for piece in own]
    result = np.zeros((len(pieces), len(bounds_us) - 1))
    if not flat:
        return result
    starts = np.array([piece.start_us for piece in flat], np.int64)
    ends = np.array([piece.end_us for piece in flat], np.int64)
    bounds = np.clip(bounds_us, starts[:, np.newaxis], ends[:, np.newaxis])
    rises = histories.rises([piece.key for piece in flat], bounds, longest_gap_us)
    rises[bounds[:, 1:] == bounds[:, :-1]] = 0.0
    sizes = np.array([len(own) for own in pieces], np.int64)
    filled: Mask = sizes > 0
    firsts = (np.cumsum(sizes) - sizes)[filled]
    result[filled] = np.add.reduceat(rises, firsts, axis=0)
    return result


def _covered(meters: Meters, pieces: Sequence[MeterSpan], bounds_us: Ints) -> Mask:
    """Return which intervals are counted from start to end."""
    whole: Mask = covered_by(meters, pieces, bounds_us) == np.diff(bounds_us)
    return whole


def covered_by(meters: Meters, pieces: Sequence[MeterSpan], bounds_us: Ints) -> Ints:
    """Return for how long of each interval any of the pieces counts [us]."""
    ranges = [(piece.start_us, piece.end_us) for piece in pieces]
    if meters.deleted_us is not None:
        ranges.append((meters.deleted_us, FOREVER))
    covered: Ints = np.zeros(len(bounds_us) - 1, np.int64)
    for start, end in _united(ranges):
        clipped: Ints = np.clip(bounds_us, start, end)
        covered = covered + (clipped[1:] - clipped[:-1])
    return covered


def _united(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return ranges that do not overlap and hold what the given ones hold."""
    united: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(end, united[-1][1]))
        else:
            united.append((start, end))
    return united
