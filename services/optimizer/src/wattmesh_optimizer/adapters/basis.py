"""Turning a guess of a basis into one a simplex method accepts."""

import numpy as np

from wattmesh_optimizer.app.ports import Basis, BasisStatus, Statuses
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.formulation.program import Matrix


def consistent_basis(matrix: Matrix, guess: Basis) -> Basis:
    """Return the guess with as many basic columns and rows as rows, and bounds that exist."""
    columns, rows = guess.columns.copy(), guess.rows.copy()
    surplus = _basic(columns) + _basic(rows) - len(rows)
    if surplus > 0:
        for statuses in (rows, columns):
            basic = np.flatnonzero(statuses == BasisStatus.BASIC)[:surplus]
            statuses[basic] = BasisStatus.AT_LOWER
            surplus -= len(basic)
    elif surplus < 0:
        rows[np.flatnonzero(rows != BasisStatus.BASIC)[:-surplus]] = BasisStatus.BASIC
    return Basis(
        _at_bounds(columns, matrix.column_lower, matrix.column_upper),
        _at_bounds(rows, matrix.row_lower, matrix.row_upper),
    )


def _basic(statuses: Statuses) -> int:
    return int(np.sum(statuses == BasisStatus.BASIC))


def _at_bounds(statuses: Statuses, lower: Floats, upper: Floats) -> Statuses:
    """Move what is not basic to a bound that is finite."""
    below, above = np.isfinite(lower), np.isfinite(upper)
    at_upper = above & ((statuses == BasisStatus.AT_UPPER) | ~below)
    resting = np.where(
        at_upper,
        BasisStatus.AT_UPPER,
        np.where(below, BasisStatus.AT_LOWER, BasisStatus.FREE),
    )
    resting = np.where(below & above & (lower == upper), BasisStatus.FIXED, resting)
    moved: Statuses = np.where(statuses == BasisStatus.BASIC, statuses, resting).astype(np.int32)
    return moved
