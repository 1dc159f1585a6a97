"""A mixed-integer programme written term by term, and HiGHS to solve it."""

from collections.abc import Iterable

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import lil_matrix

INFINITY = float("inf")
Terms = list[tuple[int, float]]
"""Columns and their factors."""


class Programme:
    """Columns with a cost, rows between bounds; `least` is the optimum."""

    def __init__(self) -> None:
        self.constant = 0.0
        self._costs: list[float] = []
        self._weights: list[float] = []
        self._bounds: list[tuple[float, float]] = []
        self._integer: list[int] = []
        self._rows: list[tuple[Terms, float, float]] = []

    def column(
        self,
        cost: float = 0.0,
        lower: float = 0.0,
        upper: float = INFINITY,
        *,
        weight: float = 0.0,
        integer: bool = False,
    ) -> int:
        """Add a column; `weight` is what it counts besides, where that is asked for."""
        self._costs.append(cost)
        self._weights.append(weight)
        self._bounds.append((lower, upper))
        self._integer.append(int(integer))
        return len(self._costs) - 1

    def binary(self, cost: float = 0.0) -> int:
        """Add a column that is 0 or 1."""
        return self.column(cost, upper=1.0, integer=True)

    def row(
        self, terms: Iterable[tuple[int, float]], lower: float = -INFINITY, upper: float = INFINITY
    ) -> None:
        """Add a row."""
        self._rows.append((list(terms), lower, upper))

    def either(self, first: int, most: float, second: int, other_most: float) -> None:
        """Let one of two columns be 0."""
        choice = self.binary()
        self.row([(first, 1.0), (choice, -most)], upper=0.0)
        self.row([(second, 1.0), (choice, other_most)], upper=other_most)

    def nothing_or(self, column: int, least: float, most: float) -> int:
        """Let a column be 0 or within `least` and `most`; return the choice."""
        on = self.binary()
        self.row([(column, 1.0), (on, -least)], lower=0.0)
        self.row([(column, 1.0), (on, -most)], upper=0.0)
        return on

    def least(self, *, weighed: bool = False) -> float:
        """Return the least cost, or cost and weight; RuntimeError when HiGHS finds none."""
        matrix = lil_matrix((len(self._rows), len(self._costs)))
        for number, (terms, _, _) in enumerate(self._rows):
            for column, factor in terms:
                matrix[number, column] += factor
        lower, upper = np.array(self._bounds).T
        found = milp(
            np.array(self._costs) + np.array(self._weights) * weighed,
            integrality=np.array(self._integer),
            bounds=Bounds(lower, upper),
            constraints=LinearConstraint(
                matrix.tocsr(), [row[1] for row in self._rows], [row[2] for row in self._rows]
            ),
            options={"mip_rel_gap": 1e-7},
        )
        if not found.success:
            raise RuntimeError(found.message)
        return float(found.fun) + self.constant
