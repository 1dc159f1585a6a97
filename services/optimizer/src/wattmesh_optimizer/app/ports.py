"""What the use cases need from outside."""

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.formulation.program import Ints, Matrix

Statuses = NDArray[np.int32]
"""One `BasisStatus` per column or row."""


class BasisStatus(IntEnum):
    """Where a column or row stands in a basis; numbers as in MathOpt."""

    FREE = 1
    AT_LOWER = 2
    AT_UPPER = 3
    FIXED = 4
    BASIC = 5


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """Where a simplex method stopped: a status per column and per row."""

    columns: Statuses
    rows: Statuses


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LinearSolution:
    """Optimum of a linear programme; duals are costs per unit of a row's or column's bound."""

    values: Floats
    objective: float
    row_duals: Floats
    reduced_costs: Floats
    basis: Basis | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class IntegerSolution:
    """Best integer solution found; `bound`: no solution is cheaper."""

    values: Floats
    objective: float
    bound: float


class LinearSeries(Protocol):
    """One linear programme, solved again and again at other prices of its columns."""

    def solve(self, cost: Floats, time_limit: timedelta) -> LinearSolution | None:
        """Return an optimum at `cost`, one number per column; None when time ran out."""

    def add(self, cost: Floats, columns: Ints, rows: Ints, values: Floats) -> None:
        """Add columns from 0 up, one per cost; entries by column, counted from 0, and row."""


class Solver(Protocol):
    """Solves matrices."""

    @property
    def name(self) -> str:
        """Name and version, for the plan."""

    def solve_linear(
        self,
        matrix: Matrix,
        time_limit: timedelta,
        start: Basis | None = None,
        *,
        keep_basis: bool = False,
    ) -> LinearSolution | None:
        """Return the optimum, integrality left out; None when time ran out first.

        `start` is where to begin: any guess is allowed, a good one saves time. `keep_basis`:
        whether the solution shall say where it stopped, where that is worth its price.
        """

    def series(self, matrix: Matrix) -> LinearSeries:
        """Return the matrix to be solved at many costs, integrality left out."""

    def solve_integer(
        self, matrix: Matrix, hint: Floats, gap_ratio: float, time_limit: timedelta
    ) -> IntegerSolution | None:
        """Return the best solution found in time, starting from `hint`; None without any."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One call to be worked on elsewhere: `request` as it came, for `caller`.

    `ends_at`: when its solver has to stop, a reading of `time.monotonic` [s].
    """

    method: str
    request: bytes
    caller: str
    ends_at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What became of a job: a response, or the google.rpc.Status of an error."""

    failed: bool
    content: bytes


class Workers(Protocol):
    """Works on jobs somewhere where they can be ended."""

    async def run(self, job: Job) -> Answer:
        """Return the answer; the work ends when this is cancelled.

        Errors: DeadlineExceeded long after the job's end, ResourceExhausted when too many wait or
        the work takes too much memory, Unavailable when there is nobody to work.
        """
