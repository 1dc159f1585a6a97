"""The choice among the plans that sites have offered, under what they share.

Dantzig and Wolfe's master programme: the weights of each lot's offers sum up to 1, the exchange of
a cohort is the weighted sum of its lots', and the duals are the prices at which sites offer more.
Prices may be kept near those of the best bound so far: far from them they say little.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.app.ports import Solver
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.formulation.apart import Links
from wattmesh_optimizer.formulation.program import Matrix

FAR = 1e4
"""A price that nothing shared has [currency/kW]: balance is not broken for it."""

STRETCHED_KW = 1e-6
"""What prices that are kept near others may give away of the balance: nothing but rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """What a kW of each cohort's exchange costs all, shape (cohorts, intervals) [currency/kW].

    `shared`: what is shared costs no less than this at these prices, whatever is exchanged: with
    the costs of the sites' best replies a bound of every plan.
    """

    per_kw: Floats
    shared: float

    def towards(self, other: "Prices", share: float) -> "Prices":
        """Return prices between both: at `share` of the way; what bounds at both, bounds here."""
        return Prices(
            (1 - share) * self.per_kw + share * other.per_kw,
            (1 - share) * self.shared + share * other.shared,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """Prices to stay near of, and how near [currency/kW]."""

    prices: Prices
    width: float


@dataclass(frozen=True, slots=True, eq=False)
class Offers:
    """Plans of lots: plan j is what the sites of lot `lots[j]` do in reply `replies[j]`."""

    lots: NDArray[np.int64]
    replies: NDArray[np.int64]
    nets_kw: Floats
    costs: Floats

    def with_more(self, more: "Offers") -> "Offers":
        """Return both."""
        return Offers(
            np.concatenate((self.lots, more.lots)),
            np.concatenate((self.replies, more.replies)),
            np.concatenate((self.nets_kw, more.nets_kw)),
            np.concatenate((self.costs, more.costs)),
        )

    def those(self, mask: NDArray[np.bool_]) -> "Offers":
        """Return the offers of a mask."""
        return Offers(self.lots[mask], self.replies[mask], self.nets_kw[mask], self.costs[mask])


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """Weights of the offers and what they cost with all that is shared.

    `worths`: what a plan of a lot may cost at `prices` to be no worse. `stretched_kw`: how far the
    balance is broken for prices that are kept near others; a plan's cost only if it is not.
    """

    weights: Floats
    cost: float
    prices: Prices
    worths: Floats
    stretched_kw: float

    @property
    def is_plan(self) -> bool:
        """True when the offers balance."""
        return self.stretched_kw <= STRETCHED_KW


class Master:
    """Chooses among offers; `cohort_of` says by lot to which cohort it belongs, or -1.

    The solver goes on from its last choice: offers only add to it.
    """

    def __init__(self, solver: Solver, links: Links, cohort_of: NDArray[np.int64]) -> None:
        self._links = links
        self.cohort_of = cohort_of
        base = links.ctx.program.matrix()
        self._rows, self._first = base.row_count, base.column_count
        matrix = _with_choice(base, links.rows.ravel(), len(cohort_of))
        self._cost = matrix.cost
        self._series = solver.series(matrix)
        self.offers: Offers | None = None

    def add(self, offers: Offers) -> None:
        """Take more offers."""
        rows, count = self._links.rows, len(offers.lots)
        cohorts = self.cohort_of[offers.lots]
        shares = cohorts >= 0
        columns = np.concatenate((np.repeat(np.flatnonzero(shares), rows.shape[1]), range(count)))
        into = np.concatenate((rows[cohorts[shares]].ravel(), self._rows + offers.lots))
        values = np.concatenate((-offers.nets_kw[shares].ravel(), np.ones(count)))
        self._series.add(offers.costs, columns.astype(np.int32), into.astype(np.int32), values)
        self._cost = np.concatenate((self._cost, offers.costs))
        self.offers = offers if self.offers is None else self.offers.with_more(offers)

    def choose(self, time_limit: timedelta, near: Near | None = None) -> Choice | None:
        """Return the cheapest choice; None when time ran out."""
        count, first = self._links.rows.size, self._first
        center = 0.0 if near is None else near.prices.per_kw.ravel()
        width = FAR if near is None else near.width
        self._cost[first : first + count] = width + center
        self._cost[first + count : first + 2 * count] = width - center
        found = self._series.solve(self._cost, time_limit)
        if found is None:
            return None
        worths = found.row_duals[self._rows :]
        cost = found.objective + self._links.ctx.program.offset
        return Choice(
            weights=found.values[first + 2 * count :],
            cost=cost,
            prices=Prices(found.row_duals[self._links.rows], cost - float(worths.sum())),
            worths=worths,
            stretched_kw=float(found.values[first : first + 2 * count].sum()),
        )

    def reduced_costs(self, offers: Offers, choice: Choice) -> Floats:
        """Return what offers cost at a choice's prices beyond what they may."""
        return self.priced(offers, choice.prices) - choice.worths[offers.lots]

    def priced(self, offers: Offers, prices: Prices) -> Floats:
        """Return what offers cost at prices of their exchange."""
        costs, cohorts = offers.costs.copy(), self.cohort_of[offers.lots]
        shares = cohorts >= 0
        costs[shares] += (offers.nets_kw[shares] * prices.per_kw[cohorts[shares]]).sum(axis=1)
        return costs


def _with_choice(base: Matrix, links: NDArray[np.int32], lots: int) -> Matrix:
    """Return the matrix with columns that break balance at a price, and a row of 1 for each lot."""
    count = len(links)
    more = np.arange(base.column_count, base.column_count + 2 * count, dtype=np.int32)
    once = np.ones(lots)
    return replace(
        base,
        column_lower=np.concatenate((base.column_lower, np.zeros(2 * count))),
        column_upper=np.concatenate((base.column_upper, np.full(2 * count, np.inf))),
        integer=np.zeros(base.column_count + 2 * count, dtype=np.bool_),
        cost=np.concatenate((base.cost, np.full(2 * count, FAR))),
        row_lower=np.concatenate((base.row_lower, once)),
        row_upper=np.concatenate((base.row_upper, once)),
        entry_rows=np.concatenate((base.entry_rows, links, links)),
        entry_columns=np.concatenate((base.entry_columns, more)),
        entry_values=np.concatenate((base.entry_values, np.ones(count), -np.ones(count))),
    )
