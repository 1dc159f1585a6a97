"""Remembers where the last window's solve stopped, to start the next one there.

Successive windows of the same sites differ by one interval and new forecasts: the old basis, moved
by the time that has passed, is nearly optimal. It is a guess only: costs do not depend on it, any
replica may answer without it.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

import numpy as np

from wattmesh_optimizer.app.ports import Basis, Statuses
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.formulation.program import Program

CAPACITY = 64
"""Groups of sites remembered; the one not asked for longest is forgotten."""

Key = tuple[tuple[str, ...], int, timedelta]


@dataclass(frozen=True, slots=True, eq=False)
class _Remembered:
    start: datetime
    columns: tuple[int, ...]
    rows: tuple[int, ...]
    basis: Basis


class WarmStarts:
    """Bases of the last windows, by the sites planned together; safe to share by threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: OrderedDict[Key, _Remembered] = OrderedDict()

    def find(self, problem: Problem, program: Program) -> Basis | None:
        """Return a guess for a problem; None for sites, or a structure, not seen lately."""
        with self._lock:
            known = self._known.get(_key(problem))
        if known is None:
            return None
        horizon = problem.horizon
        passed, rest = divmod(horizon.start - known.start, horizon.resolution)
        columns, rows = program.column_sizes, program.row_sizes
        same = len(columns) == len(known.columns) and len(rows) == len(known.rows)
        if rest or not same or not 0 <= passed < horizon.count:
            return None
        return Basis(
            _moved(known.basis.columns, known.columns, columns, passed, horizon.count),
            _moved(known.basis.rows, known.rows, rows, passed, horizon.count),
        )

    def keep(self, problem: Problem, program: Program, basis: Basis) -> None:
        """Remember where a solve stopped."""
        known = _Remembered(problem.horizon.start, program.column_sizes, program.row_sizes, basis)
        with self._lock:
            self._known[_key(problem)] = known
            self._known.move_to_end(_key(problem))
            while len(self._known) > CAPACITY:
                self._known.popitem(last=False)


def _key(problem: Problem) -> Key:
    horizon = problem.horizon
    return tuple(site.name for site in problem.sites), horizon.count, horizon.resolution


def _moved(
    statuses: Statuses, old: Sequence[int], new: Sequence[int], passed: int, count: int
) -> Statuses:
    """Move every block of one status per interval by the time passed; others keep their order."""
    parts, first = [], 0
    for old_size, new_size in zip(old, new, strict=True):
        block = statuses[first : first + old_size]
        first += old_size
        shift = passed if old_size == new_size == count else 0
        index = np.minimum(np.arange(new_size) + shift, old_size - 1)
        parts.append(block[index] if old_size else np.full(new_size, 2, dtype=np.int32))
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)
