"""A linear programme in the making: columns, rows, entries and what they cost."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.plan import CostCause

Ints = NDArray[np.int32]
"""Indices of columns, rows or intervals."""

INFINITY = float("inf")


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """What a bound or a row means: the limit `constraint` of `subject`, in `unit` (kW or kWh).

    `quantity`: what one more unit of the asset itself would relax, for its marginal value;
    empty: nothing of its own.
    """

    subject: str
    constraint: str
    unit: str = "kW"
    quantity: str = ""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Bounded:
    """Columns or rows whose bound has a meaning; `intervals` aligned to `indices`."""

    label: Label
    indices: Ints
    intervals: Ints
    upper: bool


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Charge:
    """Prices of columns and why they are charged; `site` is an index or None for shared."""

    cause: CostCause
    subject: str
    site: int | None
    columns: Ints
    prices: Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class Constant:
    """A cost that no decision changes."""

    cause: CostCause
    subject: str
    site: int | None
    amount: float


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """The programme as arrays: minimise `cost @ x`, `row_lower <= A x <= row_upper`.

    A is given by its entries (`entry_rows`, `entry_columns`, `entry_values`), each position once.
    """

    column_lower: Floats
    column_upper: Floats
    integer: NDArray[np.bool_]
    cost: Floats
    row_lower: Floats
    row_upper: Floats
    entry_rows: Ints
    entry_columns: Ints
    entry_values: Floats

    @property
    def column_count(self) -> int:
        """Number of columns."""
        return len(self.column_lower)

    @property
    def row_count(self) -> int:
        """Number of rows."""
        return len(self.row_lower)


@dataclass(slots=True, eq=False)
class Program:
    """Collects columns, rows and entries block by block; `matrix` puts them together."""

    column_count: int = 0
    row_count: int = 0
    charges: list[Charge] = field(default_factory=list)
    constants: list[Constant] = field(default_factory=list)
    preferences: list[tuple[Ints, Floats]] = field(default_factory=list)
    weights: list[tuple[Ints, Floats]] = field(default_factory=list)
    column_bounds: list[Bounded] = field(default_factory=list)
    row_bounds: list[Bounded] = field(default_factory=list)
    integer_candidates: list[Ints] = field(default_factory=list)
    _column_lower: list[Floats] = field(default_factory=list)
    _column_upper: list[Floats] = field(default_factory=list)
    _row_lower: list[Floats] = field(default_factory=list)
    _row_upper: list[Floats] = field(default_factory=list)
    _rows: list[Ints] = field(default_factory=list)
    _columns: list[Ints] = field(default_factory=list)
    _values: list[Floats] = field(default_factory=list)

    def columns(self, count: int, *, lower: ArrayLike = 0.0, upper: ArrayLike = INFINITY) -> Ints:
        """Add `count` columns with these bounds and return their indices."""
        first = self.column_count
        self.column_count = first + count
        self._column_lower.append(_filled(lower, count))
        self._column_upper.append(_filled(upper, count))
        return np.arange(first, first + count, dtype=np.int32)

    def rows(self, lower: ArrayLike, upper: ArrayLike, count: int) -> Ints:
        """Add `count` rows with these bounds and return their indices."""
        first = self.row_count
        self.row_count = first + count
        self._row_lower.append(_filled(lower, count))
        self._row_upper.append(_filled(upper, count))
        return np.arange(first, first + count, dtype=np.int32)

    def put(self, rows: Ints, columns: Ints, values: ArrayLike) -> None:
        """Add entries; `values` is one number or one per entry."""
        self._rows.append(rows)
        self._columns.append(columns)
        self._values.append(_filled(values, len(rows)))

    def charge(
        self,
        columns: Ints,
        prices: ArrayLike,
        cause: CostCause,
        subject: str = "",
        site: int | None = None,
    ) -> None:
        """Let columns cost `prices` each; several charges on a column add up."""
        self.charges.append(
            Charge(
                cause=cause,
                subject=subject,
                site=site,
                columns=columns,
                prices=_filled(prices, len(columns)),
            )
        )

    def prefer_less(self, columns: Ints, prices: ArrayLike) -> None:
        """Let columns weigh `prices` each in the choice of a plan, though they cost nothing."""
        self.preferences.append((columns, _filled(prices, len(columns))))

    def preference(self, values: Floats) -> float:
        """Return what preferences weigh in a solution."""
        return float(sum(prices @ values[columns] for columns, prices in self.preferences))

    def weight(self, values: Floats) -> float:
        """Return what weighs only to find a plan, in a solution."""
        return float(sum(prices @ values[columns] for columns, prices in self.weights))

    def constant(
        self, amount: float, cause: CostCause, subject: str = "", site: int | None = None
    ) -> None:
        """Add a cost that no decision changes."""
        self.constants.append(Constant(cause=cause, subject=subject, site=site, amount=amount))

    def label_upper(self, columns: Ints, intervals: Ints, label: Label) -> None:
        """Say what the upper bounds of columns mean."""
        self.column_bounds.append(
            Bounded(label=label, indices=columns, intervals=intervals, upper=True)
        )

    def label_lower(self, columns: Ints, intervals: Ints, label: Label) -> None:
        """Say what the lower bounds of columns mean."""
        self.column_bounds.append(
            Bounded(label=label, indices=columns, intervals=intervals, upper=False)
        )

    def label_rows(self, rows: Ints, intervals: Ints, label: Label) -> None:
        """Say what rows mean."""
        self.row_bounds.append(Bounded(label=label, indices=rows, intervals=intervals, upper=True))

    def may_be_integer(self, columns: Ints) -> None:
        """Mark columns that are 0 or 1 in truth; the first solve takes them as continuous."""
        self.integer_candidates.append(columns)

    def weigh(self, columns: Ints, prices: ArrayLike) -> None:
        """Let columns weigh `prices` each as well, where it only helps to find a plan.

        A plan that is cheaper without this weight, and breaks no rule, is better.
        """
        self.weights.append((columns, _filled(prices, len(columns))))
        self.prefer_less(columns, prices)

    def matrix(self, integer_columns: Sequence[Ints] = (), *, weighed: bool = True) -> Matrix:
        """Put everything together; `integer_columns` shall be integer.

        Not `weighed`: without what weighs only to find a plan.
        """
        cost = np.zeros(self.column_count)
        for charge in self.charges:
            np.add.at(cost, charge.columns, charge.prices)
        for columns, prices in self.preferences:
            np.add.at(cost, columns, prices)
        for columns, prices in () if weighed else self.weights:
            np.subtract.at(cost, columns, prices)
        integer = np.zeros(self.column_count, dtype=np.bool_)
        for columns in integer_columns:
            integer[columns] = True
        return Matrix(
            column_lower=_joined(self._column_lower, np.float64),
            column_upper=_joined(self._column_upper, np.float64),
            integer=integer,
            cost=cost,
            row_lower=_joined(self._row_lower, np.float64),
            row_upper=_joined(self._row_upper, np.float64),
            entry_rows=_joined(self._rows, np.int32),
            entry_columns=_joined(self._columns, np.int32),
            entry_values=_joined(self._values, np.float64),
        )

    @property
    def entry_count(self) -> int:
        """Number of entries so far."""
        return sum(len(values) for values in self._values)

    @property
    def column_sizes(self) -> tuple[int, ...]:
        """Number of columns of each block."""
        return tuple(len(part) for part in self._column_lower)

    @property
    def row_sizes(self) -> tuple[int, ...]:
        """Number of rows of each block."""
        return tuple(len(part) for part in self._row_lower)

    def upper_bounds(self) -> Floats:
        """Return the upper bounds of all columns so far."""
        return _joined(self._column_upper, np.float64)

    @property
    def offset(self) -> float:
        """Sum of the costs that no decision changes."""
        return sum(constant.amount for constant in self.constants)


def _filled(values: ArrayLike, count: int) -> Floats:
    if type(values) is np.ndarray and values.shape == (count,):
        return values
    array = np.empty(count)
    array[:] = values
    return array


def _joined(parts: list[NDArray], dtype: type) -> NDArray:  # type: ignore[type-arg]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=dtype)
