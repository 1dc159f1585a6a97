"""Loads that cannot be moved, and renewable sources with curtailment u: power = available + u."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.electrical import NON_CRITICAL_SHARE, FixedLoad, RenewableSource
from wattmesh_optimizer.domain.plan import AssetPlan, CostCause, RequirementKind
from wattmesh_optimizer.domain.site import Asset
from wattmesh_optimizer.formulation.model import Context, Flow, Headroom, Slack, Store, Term
from wattmesh_optimizer.formulation.program import Ints, Label

WASTING_MARGIN = 1.01
"""So that a tie between curtailing and changing power is none."""


@dataclass(frozen=True, slots=True, eq=False)
class FixedLoadModel:
    """A fixed load; when islanded its columns are the power shed, by `intervals`."""

    asset: Asset
    load: FixedLoad
    flow: Flow

    def read(self, values: Floats) -> AssetPlan:
        """Return the load's plan."""
        shed = np.zeros(len(self.load.powers_kw))
        for term in self.flow.terms:
            shed[term.intervals] += values[term.columns]
        return AssetPlan(
            name=self.asset.name,
            powers_kw=self.load.powers_kw - shed,
            shed_kw=shed if self.flow.terms else None,
        )

    def headrooms(self) -> tuple[Headroom, ...]:
        """Return nothing: it cannot be moved."""
        return ()

    def stores(self) -> tuple[Store, ...]:
        """Return nothing."""
        return ()


def build_fixed_load(
    ctx: Context, site: int, asset: Asset, load: FixedLoad, islanded: NDArray[np.bool_]
) -> FixedLoadModel:
    """Add a load; where `islanded`, it may be shed at its prices."""
    terms: list[Term] = []
    if islanded.any():
        intervals = np.flatnonzero(islanded).astype(np.int32)
        power = np.maximum(load.powers_kw[islanded], 0.0)
        critical = np.minimum(load.critical_kw[islanded], power)
        price = load.shed_price_per_kwh
        for part, part_price in (
            (critical, price),
            (power - critical, NON_CRITICAL_SHARE * price),
        ):
            if (part > 0).any():
                terms.append(_shed(ctx, site, asset, intervals, part, part_price))
    low = np.minimum(load.powers_kw, np.where(islanded, 0.0, load.powers_kw))
    flow = Flow(fixed_kw=load.powers_kw, terms=tuple(terms), low_kw=low, high_kw=load.powers_kw)
    return FixedLoadModel(asset, load, flow)


def _shed(
    ctx: Context, site: int, asset: Asset, intervals: Ints, power: Floats, price: float
) -> Term:
    columns = ctx.program.columns(len(intervals), upper=power)
    ctx.program.charge(columns, price * ctx.hours, CostCause.PENALTY, asset.name, site)
    ctx.slacks.append(
        Slack(
            kind=RequirementKind.LOAD_SUPPLY,
            subject=asset.name,
            site=site,
            columns=columns,
            price=price,
        )
    )
    return Term(intervals, columns, -1.0)


@dataclass(frozen=True, slots=True, eq=False)
class RenewableModel:
    """A renewable source; its columns are the curtailment where there is generation."""

    asset: Asset
    source: RenewableSource
    flow: Flow

    def read(self, values: Floats) -> AssetPlan:
        """Return the source's plan."""
        curtailed = np.zeros(len(self.source.powers_kw))
        for term in self.flow.terms:
            curtailed[term.intervals] = values[term.columns]
        return AssetPlan(
            name=self.asset.name,
            powers_kw=self.source.powers_kw + curtailed,
            curtailed_kw=curtailed,
        )

    def headrooms(self) -> tuple[Headroom, ...]:
        """Return what is curtailed as power up, and what is not as power down."""
        zero = np.zeros(len(self.source.powers_kw))
        up = tuple(Term(term.intervals, term.columns, -1.0) for term in self.flow.terms)
        if not up:
            return ()
        return (
            Headroom(up=True, limit_kw=zero, terms=up),
            Headroom(up=False, limit_kw=self.source.available_kw, terms=self.flow.terms),
        )

    def stores(self) -> tuple[Store, ...]:
        """Return nothing."""
        return ()


def _keep_from_wasting(ctx: Context, site: int, columns: Ints, intervals: Ints) -> None:
    """Make it not worth while to curtail generation only so that power changes less.

    Where changes of power cost `r` per kW, 1 kW curtailed in one interval saves 2 r at most. Where
    exporting costs money, money alone decides.
    """
    price = ctx.ramp_prices_per_kw[site] if ctx.ramp_prices_per_kw else 0.0
    if price:
        ctx.program.prefer_less(
            columns, WASTING_MARGIN * 2.0 * price * ctx.export_pays[site][intervals]
        )


def build_renewable(
    ctx: Context, site: int, asset: Asset, source: RenewableSource
) -> RenewableModel:
    """Add PV or wind, with its curtailment where it may be reduced."""
    terms: tuple[Term, ...] = ()
    available = source.available_kw
    generating = available > 0
    if source.curtailable and generating.any():
        intervals = np.flatnonzero(generating).astype(np.int32)
        columns = ctx.program.columns(len(intervals), upper=available[generating])
        if price := source.curtailment_price_per_kwh:
            cause = CostCause.CURTAILMENT
            ctx.program.charge(columns, price * ctx.hours, cause, asset.name, site)
        _keep_from_wasting(ctx, site, columns, intervals)
        ctx.program.label_lower(
            columns, intervals, Label(subject=asset.name, constraint="available_power")
        )
        terms = (Term(intervals, columns),)
    high = np.maximum(source.powers_kw, 0.0) if source.curtailable else source.powers_kw
    flow = Flow(fixed_kw=source.powers_kw, terms=terms, low_kw=source.powers_kw, high_kw=high)
    return RenewableModel(asset, source, flow)
