"""Changes of power from one interval to the next, at a price.

g[k] - g[k-1] = up[k] - down[k], up and down cost the price
"""

import numpy as np

from wattmesh_optimizer.domain.plan import CostCause
from wattmesh_optimizer.formulation.model import Context
from wattmesh_optimizer.formulation.program import Ints


def price_changes(
    ctx: Context,
    power: Ints,
    before_kw: float | None,
    price_per_kw: float,
    subject: str,
    site: int | None = None,
) -> None:
    """Charge every kW by which the `power` columns change; the first change if `before_kw`."""
    program, first = ctx.program, 0 if before_kw is not None else 1
    count = ctx.count - first
    start = np.zeros(count)
    if before_kw is not None:
        start[0] = before_kw
    up, down = program.columns(count), program.columns(count)
    rows = program.rows(start, start, count)
    program.put(rows, power[first:], 1.0)
    program.put(rows[1 - first :], power[:-1], -1.0)
    program.put(rows, up, -1.0)
    program.put(rows, down, 1.0)
    for columns in (up, down):
        program.charge(columns, price_per_kw, CostCause.RAMP, subject, site)
