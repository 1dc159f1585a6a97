"""How far missed wishes could have been met at all: the difference of "too dear" and "impossible".

For each missed wish a linear programme minimises its shortfall, every dearer wish kept as it is.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np

from wattmesh_optimizer.app.ports import Solver
from wattmesh_optimizer.domain.assessment.ledger import Probe, WishKey
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.formulation.model import Context, Slack

MISSED = 1e-5
MOST_PROBES = 12
"""Wishes looked at; a problem that misses more is better served by an early answer."""


def missed_slacks(ctx: Context, values: Floats) -> dict[WishKey, list[Slack]]:
    """Return the slacks of every missed wish, by kind and subject."""
    missed: dict[WishKey, list[Slack]] = {}
    for slack in ctx.slacks:
        if len(slack.columns) and values[slack.columns].max() > MISSED:
            missed.setdefault((slack.kind, slack.subject), []).append(slack)
    return missed


def probe_wishes(
    solver: Solver, ctx: Context, values: Floats, time_left: Callable[[], timedelta]
) -> dict[WishKey, Probe]:
    """Return the least possible shortfall of the missed wishes, as far as time allows."""
    missed = missed_slacks(ctx, values)
    probes: dict[WishKey, Probe] = {}
    for key, slacks in list(missed.items())[:MOST_PROBES]:
        if time_left() <= timedelta(0):
            break
        columns = np.concatenate([slack.columns for slack in slacks])
        price = max(slack.price for slack in slacks)
        matrix = ctx.program.matrix()
        cost = np.zeros(matrix.column_count)
        cost[columns] = 1.0
        upper = matrix.column_upper.copy()
        for other in ctx.slacks:
            if other.price > price:
                upper[other.columns] = np.minimum(
                    upper[other.columns], values[other.columns] + MISSED
                )
        probe = replace(matrix, cost=cost, column_upper=upper)
        if (found := solver.solve_linear(probe, time_left())) is not None:
            planned = float(np.maximum(values[columns], 0.0).sum())
            probes[key] = Probe(least=max(0.0, found.objective), planned=planned)
    return probes
