"""Whether a solution breaks a rule is asked in short of every plan; in full of those that do."""

import numpy as np
import pytest

from tests.unit.optimizer.random_problems import random_problem
from wattmesh_optimizer.adapters.matrices import rows_of
from wattmesh_optimizer.formulation.build import formulate
from wattmesh_optimizer.formulation.discrete import breaks_a_rule, broken_columns


@pytest.mark.parametrize("seed", range(12))
def test_the_short_question_finds_what_the_full_one_does(seed: int) -> None:
    """A rule that the short one overlooked would let a battery charge and discharge at once."""
    ctx = formulate(random_problem(seed)).ctx
    random = np.random.default_rng(seed)
    for values in (
        np.zeros(ctx.program.column_count),
        random.uniform(0.0, 5.0, ctx.program.column_count),
        np.where(random.uniform(size=ctx.program.column_count) < 0.02, 0.5, 0.0),
    ):
        assert breaks_a_rule(ctx, values) == bool(len(broken_columns(ctx, values)))


@pytest.mark.parametrize("seed", range(6))
def test_rows_hold_every_entry_once_and_in_the_order_of_columns(seed: int) -> None:
    """MathOpt refuses a matrix out of order."""
    matrix = formulate(random_problem(seed)).ctx.program.matrix()
    rows = rows_of(matrix)
    full = np.zeros(rows.shape)
    full[matrix.entry_rows, matrix.entry_columns] = matrix.entry_values
    assert np.array_equal(rows.toarray(), full)
    assert len(rows.data) == len(matrix.entry_values)
    for first, last in zip(rows.indptr[:-1], rows.indptr[1:], strict=True):
        assert (np.diff(rows.indices[first:last]) > 0).all()
