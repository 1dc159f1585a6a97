"""Matrices in the shapes the solvers take."""

import numpy as np
import scipy.sparse
from ortools.math_opt import model_pb2

from wattmesh_optimizer.domain.checks import refuse
from wattmesh_optimizer.formulation.program import Matrix

LARGEST_ENTRY = 1e15
"""Largest magnitude of a coefficient or cost: solvers refuse what is beyond, or get lost in it."""


def check_matrix(matrix: Matrix) -> None:
    """Raise InvalidArgument for numbers too far apart to compute with, each of which made sense."""
    for numbers in (matrix.entry_values, matrix.cost):
        if len(numbers) and not np.abs(numbers).max() <= LARGEST_ENTRY:
            raise refuse("problem", "its numbers are too far apart to compute with")


def rows_of(matrix: Matrix) -> scipy.sparse.csr_matrix:
    """Return the matrix row-wise, the columns of a row in order."""
    positions = matrix.entry_rows.astype(np.int64) * matrix.column_count + matrix.entry_columns
    order = np.argsort(positions)
    starts = np.zeros(matrix.row_count + 1, dtype=np.int32)
    np.cumsum(np.bincount(matrix.entry_rows, minlength=matrix.row_count), out=starts[1:])
    return scipy.sparse.csr_matrix(
        (matrix.entry_values[order], matrix.entry_columns[order], starts),
        shape=(matrix.row_count, matrix.column_count),
    )


def math_opt_model(matrix: Matrix) -> model_pb2.ModelProto:
    """Return the matrix as MathOpt takes it."""
    rows = rows_of(matrix)
    model = model_pb2.ModelProto()
    model.variables.ids.extend(range(matrix.column_count))
    model.variables.lower_bounds.extend(matrix.column_lower.tolist())
    model.variables.upper_bounds.extend(matrix.column_upper.tolist())
    model.variables.integers.extend(matrix.integer.tolist())
    priced = np.flatnonzero(matrix.cost)
    model.objective.linear_coefficients.ids.extend(priced.tolist())
    model.objective.linear_coefficients.values.extend(matrix.cost[priced].tolist())
    model.linear_constraints.ids.extend(range(matrix.row_count))
    model.linear_constraints.lower_bounds.extend(matrix.row_lower.tolist())
    model.linear_constraints.upper_bounds.extend(matrix.row_upper.tolist())
    entries = model.linear_constraint_matrix
    entries.row_ids.extend(np.repeat(np.arange(matrix.row_count), np.diff(rows.indptr)).tolist())
    entries.column_ids.extend(rows.indices.tolist())
    entries.coefficients.extend(rows.data.tolist())
    return model
