"""Which readings of a batch can be kept, judged by the batch alone."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from wattmesh_metering.domain.readings import (
    QUALITIES,
    Floats,
    Ints,
    Mask,
    ReadingBatch,
    RegisteredPoint,
    Rejection,
    RejectionReason,
    Rows,
)

_MEASURED = 1


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Screened:
    """A batch's readings that may be kept, their places in the batch, and the refused ones."""

    batch: ReadingBatch
    rows: Rows
    places: Ints
    """Per row: its row in the batch."""
    rejected: tuple[Rejection, ...]


def screen(batch: ReadingBatch, known: Mapping[str, RegisteredPoint], latest_us: int) -> Screened:
    """Sort a batch's readings into those that may be kept and those that are refused.

    Parameters: `known` holds the registered points by name, `latest_us` is the latest measure
    time allowed. Of a row's faults the first of this order is told: columns that do not fit,
    unknown point, impossible value, impossible time.
    """
    if batch.ragged:
        return _nothing(batch, "the columns differ in length")
    faults = _Faults(batch)
    names = np.array([bool(name) for name in batch.points], np.bool_)
    index = batch.point_indices
    inside = (index >= 0) & (index < len(names))
    index = np.where(inside, index, 0)
    faults.note(~inside, RejectionReason.MALFORMED, "no such index into the points")
    if not len(names):
        return faults.screened(Rows.empty())
    faults.note(~names[index], RejectionReason.MALFORMED, "the point has no name")
    qualities = _qualities(batch)
    unsaid = ~np.isin(qualities, list(QUALITIES))
    faults.note(unsaid, RejectionReason.MALFORMED, "the quality is not said")
    resets = np.zeros(batch.rows, np.bool_)
    if len(batch.reset_rows):
        within = (batch.reset_rows >= 0) & (batch.reset_rows < batch.rows)
        resets[batch.reset_rows[within]] = True

    table = _PointTable(batch.points, known)
    keys = table.keys[index]
    faults.note(keys == 0, RejectionReason.UNKNOWN_POINT, "no such point")
    values = batch.values
    possible = np.isfinite(values) & (values >= table.least[index]) & (values <= table.most[index])
    faults.note(~possible, RejectionReason.INVALID_VALUE, "not possible for the quantity")
    faults.note(batch.times_us < 0, RejectionReason.INVALID_TIME, "before 1970")
    late = batch.times_us > latest_us
    faults.note(late, RejectionReason.INVALID_TIME, "too far in the future")
    rows = Rows(
        keys=keys, times_us=batch.times_us, values=values, qualities=qualities, resets=resets
    )
    return faults.screened(rows)


class _PointTable:
    """What the checks need of each point of a batch, as columns; unknown ones have key 0."""

    def __init__(self, names: tuple[str, ...], known: Mapping[str, RegisteredPoint]) -> None:
        size = len(names)
        self.keys: Ints = np.zeros(size, np.int64)
        self.least: Floats = np.full(size, -np.inf)
        self.most: Floats = np.full(size, np.inf)
        for place, name in enumerate(names):
            if point := known.get(name):
                quantity = point.quantity
                self.keys[place] = point.key
                if quantity.minimum is not None:
                    self.least[place] = quantity.minimum
                if quantity.maximum is not None:
                    self.most[place] = quantity.maximum


class _Faults:
    """The first fault of each row."""

    def __init__(self, batch: ReadingBatch) -> None:
        self._batch = batch
        self._good: Mask = np.ones(batch.rows, np.bool_)
        self._rejected: list[Rejection] = []

    def note(self, faulty: Mask, reason: RejectionReason, message: str) -> None:
        """Refuse the rows that are faulty and had no fault before."""
        fresh = faulty & self._good
        if fresh.any():
            self._good &= ~faulty
            self._rejected.extend(
                _rejection(self._batch, int(row), reason, message) for row in fresh.nonzero()[0]
            )

    def screened(self, rows: Rows) -> Screened:
        """Return what is left of `rows` and what is refused."""
        places = self._good.nonzero()[0] if len(rows) else np.empty(0, np.int64)
        return Screened(
            batch=self._batch,
            rows=rows[places],
            places=places,
            rejected=tuple(self._rejected),
        )


def _qualities(batch: ReadingBatch) -> Ints:
    if len(batch.qualities):
        return batch.qualities
    return np.full(batch.rows, _MEASURED, np.int64)


def _nothing(batch: ReadingBatch, message: str) -> Screened:
    rejected = tuple(
        _rejection(batch, row, RejectionReason.MALFORMED, message) for row in range(batch.rows)
    )
    none = np.empty(0, np.int64)
    return Screened(
        batch=batch,
        rows=Rows.empty(),
        places=none,
        rejected=rejected,
    )


def _rejection(batch: ReadingBatch, row: int, reason: RejectionReason, message: str) -> Rejection:
    if batch.ragged:  # what stands in a row cannot be told
        return Rejection(sequence=batch.sequence, row=row, reason=reason, message=message)
    index = int(batch.point_indices[row])
    return Rejection(
        sequence=batch.sequence,
        row=row,
        reason=reason,
        message=message,
        point=batch.points[index] if 0 <= index < len(batch.points) else "",
        time_us=int(batch.times_us[row]),
        value=float(batch.values[row]),
    )
