"""Mixed-integer programmes find the solver that gets on with them."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from ortools.math_opt.core.python import solver as math_opt
from pybind11_abseil.status import Status, StatusCode, StatusNotOk

from tests.unit.optimizer.random_problems import random_problem
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.app.ports import Basis, IntegerSolution
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.formulation.build import formulate
from wattmesh_optimizer.formulation.program import Matrix

LIMIT = timedelta(seconds=40)


def test_a_start_on_which_the_solver_gives_up_costs_a_fresh_start_and_no_plan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """GLOP ended abnormally on a basis of the plan before; that came as an error of the library."""
    matrix = formulate(random_problem(3)).ctx.program.matrix()
    solver, really, told = OrToolsSolver(), math_opt.solve, list[bool]()
    expected = solver.solve_linear(matrix, LIMIT)
    assert expected is not None

    def gives_up_once(*asked: Any) -> Any:
        told.append(asked[4].HasField("initial_basis"))
        if told == [True]:
            raise StatusNotOk(Status(StatusCode.INTERNAL, "ABNORMAL"))
        return really(*asked)

    rows, columns = matrix.row_count, matrix.column_count
    start = Basis(np.ones(columns, dtype=np.int32), np.ones(rows, dtype=np.int32))
    monkeypatch.setattr(math_opt, "solve", gives_up_once)
    found = solver.solve_linear(matrix, LIMIT, start)
    assert told == [True, False]
    assert found is not None
    assert found.objective == pytest.approx(expected.objective, abs=1e-6)


class Recording(OrToolsSolver):
    """Remembers the last mixed-integer programme."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[Matrix, Floats]] = []

    def solve_integer(
        self, matrix: Matrix, hint: Floats, gap_ratio: float, time_limit: timedelta
    ) -> IntegerSolution | None:
        self.asked.append((matrix, hint))
        return super().solve_integer(matrix, hint, gap_ratio, time_limit)


def programme(seed: int) -> tuple[Matrix, Floats]:
    solver = Recording()
    SolvePlan(solver)(random_problem(seed), SolveOptions())
    return solver.asked[-1]


@pytest.mark.parametrize("seed", [3, 6, 9, 17, 19])
def test_a_programme_that_scip_is_not_given_time_for_is_solved_by_highs(seed: int) -> None:
    matrix, hint = programme(seed)
    by_scip = OrToolsSolver(scip_share=1.0).solve_integer(matrix, hint, 1e-6, LIMIT)
    by_highs = OrToolsSolver(scip_share=0.0).solve_integer(matrix, hint, 1e-6, LIMIT)
    assert by_scip is not None
    assert by_highs is not None
    assert by_highs.objective == pytest.approx(by_scip.objective, rel=1e-5, abs=1e-5)
    assert by_highs.bound <= by_highs.objective + 1e-6


def test_a_solution_that_is_good_enough_is_not_solved_again() -> None:
    matrix, hint = programme(3)
    found = OrToolsSolver().solve_integer(matrix, hint, 0.5, LIMIT)
    assert found is not None
    assert found.objective - found.bound <= 0.5 * abs(found.objective) + 1e-6


def test_a_programme_without_a_solution_is_said_to_have_none() -> None:
    matrix, hint = programme(3)
    closed = Matrix(
        matrix.column_lower,
        matrix.column_upper,
        matrix.integer,
        matrix.cost,
        np.full_like(matrix.row_lower, 1e6),
        np.full_like(matrix.row_upper, 1e6),
        matrix.entry_rows,
        matrix.entry_columns,
        matrix.entry_values,
    )
    assert OrToolsSolver().solve_integer(closed, hint, 1e-6, timedelta(seconds=5)) is None
