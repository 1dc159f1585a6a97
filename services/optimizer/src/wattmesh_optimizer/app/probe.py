"""How far missed requirements could have been met at all: "too dear" is not "impossible".

For each of them a linear programme minimises its shortfall, every dearer requirement kept as it is.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np

from wattmesh_optimizer.app.ports import Solver
from wattmesh_optimizer.domain.assessment.ledger import Probe, RequirementKey
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.formulation.model import Context, Slack

MISSED = 1e-5
MOST_PROBES = 12
"""Requirements looked at; a problem that misses more is better served by an early answer."""


def missed_slacks(ctx: Context, values: Floats) -> dict[RequirementKey, list[Slack]]:
    """Return the slacks of every missed requirement, by kind and subject."""
    missed: dict[RequirementKey, list[Slack]] = {}
    for slack in ctx.slacks:
        if len(slack.columns) and values[slack.columns].max() > MISSED:
            missed.setdefault((slack.kind, slack.subject), []).append(slack)
    return missed


def probe_requirements(
    solver: Solver, ctx: Context, values: Floats, time_left: Callable[[], timedelta]
) -> dict[RequirementKey, Probe]:
    """Return the least possible shortfall of the missed requirements, as far as time allows."""
    missed = missed_slacks(ctx, values)
    probes: dict[RequirementKey, Probe] = {}
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
