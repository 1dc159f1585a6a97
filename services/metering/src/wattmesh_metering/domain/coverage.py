"""How much of an interval is known, and by readings of which quality."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import Floats, Ints
from wattmesh_metering.domain.spans import Meters, counting, covered_by


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Worth:
    """Per interval: the covered share, and the worst quality code of its readings, 0: none."""

    coverage: Floats
    qualities: Ints


def worth_of_points(
    histories: Histories, keys: Collection[int], bounds_us: Ints, longest_gap_us: int
) -> Worth:
    """Return what the readings of points are worth, all of which are needed.

    What lies between two readings is covered unless they are further apart than the longest gap.
    """
    coverage = np.ones(len(bounds_us) - 1)
    qualities: Ints = np.zeros(len(bounds_us) - 1, np.int64)
    lengths = np.diff(bounds_us)
    for key in keys:
        covered = _covered_us(histories, key, bounds_us, longest_gap_us)
        coverage = np.minimum(coverage, covered / lengths)
        qualities = np.maximum(qualities, _qualities(histories, key, bounds_us))
    return Worth(coverage=coverage if len(keys) else 0 * coverage, qualities=qualities)


def worth_of_meters(
    meters: Meters, histories: Histories, bounds_us: Ints, longest_gap_us: int
) -> Worth:
    """Return what the energy of one direction of an asset is worth."""
    lengths = np.diff(bounds_us)
    pieces = counting(meters.spans, histories)
    covered, counted = np.zeros(len(lengths)), np.zeros(len(lengths))
    qualities: Ints = np.zeros(len(lengths), np.int64)
    for piece in pieces:
        clipped = np.clip(bounds_us, piece.start_us, piece.end_us)
        covered += _covered_us(histories, piece.key, clipped, longest_gap_us)
        counted += np.diff(clipped)
        own = _qualities(histories, piece.key, clipped)
        qualities = np.maximum(qualities, np.where(np.diff(clipped) > 0, own, 0))
    share = covered / np.maximum(counted, 1) * (covered_by(meters, pieces, bounds_us) / lengths)
    return Worth(coverage=share, qualities=qualities)


def least(parts: Sequence[Worth], intervals: int) -> Worth:
    """Return what is worth no more than any of its parts."""
    if not parts:
        return Worth(coverage=np.zeros(intervals), qualities=np.zeros(intervals, np.int64))
    return Worth(
        coverage=np.min([part.coverage for part in parts], axis=0),
        qualities=np.max([part.qualities for part in parts], axis=0),
    )


def _covered_us(histories: Histories, key: int, bounds_us: Ints, longest_gap_us: int) -> Floats:
    """Return for how long of each interval a point is known [us]."""
    _, times_us = histories.rows_of(key)
    if len(times_us) < 2:
        return np.zeros(len(bounds_us) - 1)
    gaps = np.diff(times_us)
    known = (gaps <= longest_gap_us) & (np.diff(histories.lives_of(key)) == 0)
    so_far = np.concatenate([[0], np.cumsum(np.where(known, gaps, 0))])
    return np.diff(np.interp(bounds_us, times_us, so_far))


def _qualities(histories: Histories, key: int, bounds_us: Ints) -> Ints:
    """Return the worst code of the readings in each interval and at its bounds."""
    first, times_us = histories.rows_of(key)
    codes = histories.qualities
    if codes is None or not len(times_us):
        return np.zeros(len(bounds_us) - 1, np.int64)
    own = codes[first : first + len(times_us)]
    start = np.searchsorted(times_us, bounds_us[:-1])
    end = np.searchsorted(times_us, bounds_us[1:], side="right")
    worst: Ints = np.zeros(len(start), np.int64)
    for code in (1, 2, 3):
        so_far = np.concatenate([[0], np.cumsum(own == code)])
        worst = np.where(so_far[end] > so_far[start], code, worst)
    return worst
