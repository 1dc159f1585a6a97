"""How much of an interval is known, and by readings of which quality."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import Floats, Ints, Mask
from wattmesh_metering.domain.spans import Meters, counting, covered_by


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Worth:
    """Per interval: the covered share, and the worst quality code of its readings, 0: none."""

    coverage: Floats
    qualities: Ints


def worth_of_points(
    histories: Histories,
    keys: Collection[int],
    bounds_us: Ints,
    longest_gap_us: int,
    *,
    interpolated: bool,
) -> Worth:
    """Return what the readings of points are worth, all of which are needed.

    What lies between two readings is covered unless they are further apart than the longest gap.
    `interpolated`: values are made from the readings next to an interval, too.
    """
    coverage = np.ones(len(bounds_us) - 1)
    qualities: Ints = np.zeros(len(bounds_us) - 1, np.int64)
    lengths = np.diff(bounds_us)
    for key in keys:
        bounds = bounds_us[np.newaxis]
        covered = histories.covered_us([key], bounds, longest_gap_us)[0]
        coverage = np.minimum(coverage, covered / lengths)
        around = longest_gap_us if interpolated else None
        qualities = np.maximum(qualities, histories.worst_qualities([key], bounds, around)[0])
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
        asked = [piece.key], clipped[np.newaxis], longest_gap_us
        covered += histories.covered_us(*asked)[0]
        counted += np.diff(clipped)
        own = histories.worst_qualities(*asked)[0]
        qualities = np.maximum(qualities, np.where(np.diff(clipped) > 0, own, 0))
    share = covered / np.maximum(counted, 1) * (covered_by(meters, pieces, bounds_us) / lengths)
    return Worth(coverage=share, qualities=qualities)


def whole_where(idle: Mask, worth: Worth) -> Worth:
    """Return a worth that is whole, of no readings, in the intervals that need none."""
    return Worth(
        coverage=np.where(idle, 1.0, worth.coverage),
        qualities=np.where(idle, 0, worth.qualities),
    )


def least(parts: Sequence[Worth], intervals: int) -> Worth:
    """Return what is worth no more than any of its parts."""
    if not parts:
        return Worth(coverage=np.zeros(intervals), qualities=np.zeros(intervals, np.int64))
    return Worth(
        coverage=np.min([part.coverage for part in parts], axis=0),
        qualities=np.max([part.qualities for part in parts], axis=0),
    )
