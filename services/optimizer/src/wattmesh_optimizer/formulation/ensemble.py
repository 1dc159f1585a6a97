"""Members beside what is expected, in one matrix: each with columns of its own.

    min  (1 - risk) sum_m p cost_m + risk (t + sum_m p u_m / worst)
    u_m >= cost_m - t,  u_m >= 0                     mean cost of the worst tenth (CVaR)
    power of m in k = power as expected in k         k shared, of all that can be told

Source: Rockafellar, Uryasev, "Optimization of conditional value-at-risk", Journal of Risk 2 (2000).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.electrical import FixedLoad, RenewableSource
from wattmesh_optimizer.domain.ensemble import WORST_RATIO, Ensemble
from wattmesh_optimizer.domain.plan import CostCause
from wattmesh_optimizer.formulation.model import AssetModel, Context, Term
from wattmesh_optimizer.formulation.program import INFINITY, Charge, Constant, Ints, Program
from wattmesh_optimizer.formulation.site import SiteModel

Write = Callable[[int], Sequence[SiteModel]]
"""Writes a member by its number, and returns its sites."""


def add_members(
    ctx: Context, ensemble: Ensemble, expected: Sequence[SiteModel], write: Write
) -> None:
    """Add members to a matrix that has what is expected; what all cost is weighed anew."""
    program, probability = ctx.program, ensemble.probability
    parts = [_weighed(program, _Mark(), probability)]
    shared = ensemble.shared_count(ctx.horizon.resolution, ctx.count)
    for number in range(len(ensemble.members)):
        mark = _Mark.at(ctx)
        sites = write(number)
        parts.append(_weighed(program, mark, probability))
        # What is said of limits and requirements is said of what is expected.
        del ctx.slacks[mark.slacks :]
        del program.column_bounds[mark.column_bounds :]
        del program.row_bounds[mark.row_bounds :]
        for one, other in zip(expected, sites, strict=True):
            for model, twin in zip(one.models, other.models, strict=True):
                _tie(program, model, twin, shared)
    if ensemble.risk_ratio:
        _mind_the_worst(program, parts, ensemble)


class _Mark:
    """How much there was of everything."""

    def __init__(self) -> None:
        self.charges = self.constants = self.preferences = self.weights = 0
        self.slacks = self.column_bounds = self.row_bounds = 0

    @classmethod
    def at(cls, ctx: Context) -> "_Mark":
        mark, program = cls(), ctx.program
        mark.charges, mark.constants = len(program.charges), len(program.constants)
        mark.preferences, mark.weights = len(program.preferences), len(program.weights)
        mark.slacks = len(ctx.slacks)
        mark.column_bounds = len(program.column_bounds)
        mark.row_bounds = len(program.row_bounds)
        return mark


def _weighed(program: Program, mark: _Mark, ratio: float) -> tuple[list[Charge], list[Constant]]:
    """Weigh what was added since; return what it costs where it comes."""
    charges, constants = program.charges[mark.charges :], program.constants[mark.constants :]
    program.charges[mark.charges :] = [
        replace(each, prices=each.prices * ratio) for each in charges
    ]
    program.constants[mark.constants :] = [
        replace(each, amount=each.amount * ratio) for each in constants
    ]
    for weighed, first in (
        (program.preferences, mark.preferences),
        (program.weights, mark.weights),
    ):
        weighed[first:] = [(columns, prices * ratio) for columns, prices in weighed[first:]]
    return charges, constants


def _tie(program: Program, model: AssetModel, twin: AssetModel, shared: int) -> None:
    """Let an asset do the same in both for the first intervals; generation is what it is."""
    if isinstance(model.asset.kind, FixedLoad | RenewableSource):
        return
    if not model.flow.terms:
        return
    rows = program.rows(0.0, 0.0, shared)
    for terms, sign in ((model.flow.terms, 1.0), (twin.flow.terms, -1.0)):
        for term in terms:
            _put(program, rows, term, sign, shared)


def _put(program: Program, rows: Ints, term: Term, sign: float, shared: int) -> None:
    within = term.intervals < shared
    factor = np.broadcast_to(np.asarray(term.factor, dtype=np.float64), term.columns.shape)
    program.put(rows[term.intervals[within]], term.columns[within], sign * factor[within])


def _mind_the_worst(
    program: Program,
    parts: Sequence[tuple[list[Charge], list[Constant]]],
    ensemble: Ensemble,
) -> None:
    risk, probability = ensemble.risk_ratio, ensemble.probability
    program.charges[:] = [
        replace(each, prices=each.prices * (1.0 - risk)) for each in program.charges
    ]
    program.constants[:] = [
        replace(each, amount=each.amount * (1.0 - risk)) for each in program.constants
    ]
    edge = program.columns(1, lower=-INFINITY)
    above = program.columns(len(parts))
    program.charge(edge, risk, CostCause.PENALTY, "risk")
    program.charge(above, risk * probability / WORST_RATIO, CostCause.PENALTY, "risk")
    for number, (charges, constants) in enumerate(parts):
        cost = _cost(program.column_count, charges)
        there = np.flatnonzero(cost).astype(np.int32)
        row = program.rows(sum(each.amount for each in constants), INFINITY, 1)
        program.put(np.full(len(there), row[0], dtype=np.int32), there, -cost[there])
        program.put(row, edge, 1.0)
        program.put(row, above[number : number + 1], 1.0)


def _cost(count: int, charges: Sequence[Charge]) -> Floats:
    cost = np.zeros(count)
    for charge in charges:
        np.add.at(cost, charge.columns, charge.prices)
    return cost
