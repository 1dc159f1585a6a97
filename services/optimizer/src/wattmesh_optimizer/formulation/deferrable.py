"""Deferrable runs.

A profile run chooses its start: one of s[k] is 1, and power[k] = sum(profile[j] s[k - j]).
An interruptible run needs its energy within the window: sum(p[k] h) + missed - excess = energy;
with a minimum power or minimum times it is on or off besides.
"""

from dataclasses import dataclass

import numpy as np

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.deferrable import DeferrableLoad, InterruptibleRun, ProfileRun
from wattmesh_optimizer.domain.electrical import RUNNING_KW
from wattmesh_optimizer.domain.plan import AssetPlan, CostCause, RequirementKind
from wattmesh_optimizer.domain.runs import EnergyNeed, energy_need, profile_choice
from wattmesh_optimizer.domain.site import Asset
from wattmesh_optimizer.formulation.commitment import add_commitment, intervals_of
from wattmesh_optimizer.formulation.model import (
    Context,
    Flow,
    Headroom,
    SemiContinuous,
    Slack,
    Store,
    Term,
)
from wattmesh_optimizer.formulation.program import INFINITY, Ints, Label


@dataclass(frozen=True, slots=True, eq=False)
class DeferrableModel:
    """A deferrable load's flow and how to read it."""

    asset: Asset
    flow: Flow
    on: Ints | None = None

    def read(self, values: Floats) -> AssetPlan:
        """Return the load's plan."""
        power = self.flow.fixed_kw.copy()
        for term in self.flow.terms:
            np.add.at(power, term.intervals, np.asarray(term.factor) * values[term.columns])
        on = power > RUNNING_KW if self.on is None else values[self.on] > 0.5
        return AssetPlan(name=self.asset.name, powers_kw=power, on=on)

    def headrooms(self) -> tuple[Headroom, ...]:
        """Return nothing: a run is not held for reserves."""
        return ()

    def stores(self) -> tuple[Store, ...]:
        """Return nothing."""
        return ()


def build_deferrable(
    ctx: Context, site: int, asset: Asset, load: DeferrableLoad
) -> DeferrableModel:
    """Add a deferrable load."""
    if isinstance(load.run, ProfileRun):
        return _profile(ctx, site, asset, load, load.run)
    return _interruptible(ctx, site, asset, load, load.run)


def _profile(
    ctx: Context, site: int, asset: Asset, load: DeferrableLoad, run: ProfileRun
) -> DeferrableModel:
    program, count = ctx.program, ctx.count
    choice = profile_choice(load, run, ctx.horizon)
    if choice.running_kw is not None:
        fixed = choice.running_kw
        flow = Flow(fixed_kw=fixed, terms=(), low_kw=fixed, high_kw=fixed)
        return DeferrableModel(asset, flow)
    starts = program.columns(len(choice.starts), upper=1.0)
    if len(starts):
        program.may_be_integer(starts)
    one = program.rows(1.0, 1.0, 1)
    program.put(np.full(len(starts), one[0], dtype=np.int32), starts, 1.0)
    if choice.may_wait:
        program.put(one, program.columns(1, upper=1.0), 1.0)
    missed = program.columns(1, upper=1.0)
    program.put(one, missed, 1.0)
    price = load.shortfall_price_per_kwh * choice.energy_kwh
    program.charge(missed, price, CostCause.PENALTY, asset.name, site)
    ctx.slacks.append(
        Slack(
            kind=RequirementKind.DEFERRABLE_RUN,
            subject=asset.name,
            site=site,
            columns=missed,
            price=price,
        )
    )
    terms = []
    for offset, power in enumerate(run.powers_kw.tolist()):
        inside = choice.starts + offset < count
        if power and inside.any():
            terms.append(Term(choice.starts[inside] + offset, starts[inside], power))
    flow = Flow(
        fixed_kw=np.zeros(count),
        terms=tuple(terms),
        low_kw=np.zeros(count),
        high_kw=np.full(count, float(run.powers_kw.max())),
    )
    return DeferrableModel(asset, flow)


def _interruptible(
    ctx: Context, site: int, asset: Asset, load: DeferrableLoad, run: InterruptibleRun
) -> DeferrableModel:
    need = energy_need(load, run, ctx.horizon)
    allowed = need.allowed
    intervals = np.flatnonzero(allowed).astype(np.int32)
    power = ctx.program.columns(len(intervals), upper=run.max_power_kw)
    ctx.program.label_upper(
        power, intervals, Label(subject=asset.name, constraint="max_power", quantity="power")
    )
    on = _switch(ctx, run, intervals, power)
    _need(ctx, site, asset, load, run, need, power)
    high = np.where(allowed, run.max_power_kw, 0.0)
    flow = Flow(
        fixed_kw=np.zeros(ctx.count),
        terms=(Term(intervals, power),),
        low_kw=np.zeros(ctx.count),
        high_kw=high,
    )
    return DeferrableModel(asset, flow, on)


def _switch(ctx: Context, run: InterruptibleRun, intervals: Ints, power: Ints) -> Ints | None:
    """Add being on or off, where it matters; with minimum times it is a state of its own."""
    if not run.has_minimum_times:
        if run.min_power_kw > 0:
            full = np.ones(len(power))
            ctx.semis.append(
                SemiContinuous(
                    columns=power, minimum=run.min_power_kw * full, maximum=run.max_power_kw * full
                )
            )
        return None
    program = ctx.program
    commitment = add_commitment(ctx, run.initial_state, run.min_on_duration, run.min_off_duration)
    outside = np.setdiff1d(ctx.intervals, intervals)
    rows = program.rows(0.0, 0.0, len(outside))
    program.put(rows, commitment.on[outside], 1.0)
    inside = commitment.on[intervals]
    rows = program.rows(-INFINITY, 0.0, len(intervals))
    program.put(rows, power, 1.0)
    program.put(rows, inside, -run.max_power_kw)
    if run.min_power_kw > 0:
        rows = program.rows(0.0, INFINITY, len(intervals))
        program.put(rows, power, 1.0)
        program.put(rows, inside, -run.min_power_kw)
    return commitment.on


def _need(
    ctx: Context,
    site: int,
    asset: Asset,
    load: DeferrableLoad,
    run: InterruptibleRun,
    need: EnergyNeed,
    power: Ints,
) -> None:
    program, required = ctx.program, need.required_kwh
    row = program.rows(required, required, 1)
    program.put(np.full(len(power), row[0], dtype=np.int32), power, ctx.hours)
    missed, excess = program.columns(1), program.columns(1, upper=_most_excess(ctx, run, need))
    program.put(row, missed, 1.0)
    program.put(row, excess, -1.0)
    price = load.shortfall_price_per_kwh
    program.charge(missed, price, CostCause.PENALTY, asset.name, site)
    ctx.slacks.append(
        Slack(
            kind=RequirementKind.DEFERRABLE_RUN,
            subject=asset.name,
            site=site,
            columns=missed,
            price=price,
        )
    )


def _most_excess(ctx: Context, run: InterruptibleRun, need: EnergyNeed) -> float:
    """Return the energy beyond the need that whole intervals at minimum power may force [kWh]."""
    whole = max(1, intervals_of(ctx, run.min_on_duration), int(need.forced.sum()))
    return whole * run.min_power_kw * ctx.hours
