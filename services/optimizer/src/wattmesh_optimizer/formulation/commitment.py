"""Being on or off: states, starts, stops and minimum times.

    on[k] - on[k-1] = start[k] - stop[k]
    sum(start over the last U intervals) <= on[k]          once on, on for U intervals
    sum(stop over the last D intervals) <= 1 - on[k]       once off, off for D intervals

The state before the horizon carries over: what is left of a minimum time fixes the first states.
"""

import math
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.domain.electrical import OnOffState
from wattmesh_optimizer.formulation.model import Context
from wattmesh_optimizer.formulation.program import INFINITY, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Commitment:
    """Columns per interval: on, start and stop (0..1)."""

    on: Ints
    start: Ints
    stop: Ints


def add_commitment(
    ctx: Context,
    initial: OnOffState,
    min_on: timedelta,
    min_off: timedelta,
    may_run: NDArray[np.bool_] | None = None,
) -> Commitment:
    """Add states with minimum times; a minimum time is rounded up to whole intervals.

    `may_run`: in which intervals it may be on at all, whatever its minimum time; None: in all.
    """
    program, count = ctx.program, ctx.count
    lower, upper = np.zeros(count), np.ones(count)
    held = intervals_of(ctx, initial.remaining(min_on if initial.on else min_off))
    if initial.on:
        lower[:held] = 1.0
    else:
        upper[:held] = 0.0
    if may_run is not None:
        lower, upper = lower * may_run, upper * may_run
    on = program.columns(count, lower=lower, upper=upper)
    start, stop = program.columns(count, upper=1.0), program.columns(count, upper=1.0)
    program.may_be_integer(on)
    before = np.zeros(count)
    before[0] = 1.0 if initial.on else 0.0
    rows = program.rows(before, before, count)
    program.put(rows, on, 1.0)
    program.put(rows[1:], on[:-1], -1.0)
    program.put(rows, start, -1.0)
    program.put(rows, stop, 1.0)
    _hold(ctx, on, start, intervals_of(ctx, min_on), 0.0, -1.0)
    _hold(ctx, on, stop, intervals_of(ctx, min_off), 1.0, 1.0)
    return Commitment(on, start, stop)


def intervals_of(ctx: Context, duration: timedelta) -> int:
    """Return a duration in whole intervals, rounded up."""
    return math.ceil(duration / ctx.horizon.resolution - 1e-9)


def _hold(ctx: Context, on: Ints, change: Ints, length: int, limit: float, sign: float) -> None:
    """Add `sum(change over the last length intervals) + sign x on <= limit`."""
    if length <= 1:
        return
    program, count = ctx.program, ctx.count
    rows = program.rows(-INFINITY, limit, count)
    program.put(rows, on, sign)
    for back in range(min(length, count)):
        program.put(rows[back:], change[: count - back], 1.0)
