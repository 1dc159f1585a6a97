"""Generators: power g out, and being on where that is a decision of its own.

minimum x on <= g <= maximum x on; 0 while it is maintained
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.electrical import RUNNING_KW, Generator
from wattmesh_optimizer.domain.plan import AssetPlan, CostCause
from wattmesh_optimizer.domain.site import Asset
from wattmesh_optimizer.formulation.commitment import Commitment, add_commitment
from wattmesh_optimizer.formulation.model import Context, Flow, Headroom, Store, Term
from wattmesh_optimizer.formulation.program import INFINITY, Ints, Label


@dataclass(frozen=True, slots=True, eq=False)
class GeneratorModel:
    """A generator's columns and how to read them."""

    asset: Asset
    generator: Generator
    flow: Flow
    power: Ints
    commitment: Commitment | None
    may_run: NDArray[np.bool_]

    def read(self, values: Floats) -> AssetPlan:
        """Return the generator's plan."""
        power = values[self.power]
        on = values[self.commitment.on] > 0.5 if self.commitment is not None else power > RUNNING_KW
        return AssetPlan(name=self.asset.name, powers_kw=-power, on=on)

    def headrooms(self) -> tuple[Headroom, ...]:
        """Return more power as power up, less as power down."""
        every = self.flow.terms[0].intervals
        more, less = Term(every, self.power), Term(every, self.power, -1.0)
        full = np.where(self.may_run, self.generator.max_output_power_kw, 0.0)
        zero = np.zeros(len(self.power))
        if self.commitment is None:
            return (
                Headroom(up=True, limit_kw=full, terms=(more,)),
                Headroom(up=False, limit_kw=zero, terms=(less,)),
            )
        on = self.commitment.on
        return (
            Headroom(
                up=True,
                limit_kw=zero,
                terms=(more, Term(every, on, -self.generator.max_output_power_kw)),
            ),
            Headroom(
                up=False,
                limit_kw=zero,
                terms=(less, Term(every, on, self.generator.min_output_power_kw)),
            ),
        )

    def stores(self) -> tuple[Store, ...]:
        """Return nothing."""
        return ()


def build_generator(ctx: Context, site: int, asset: Asset, generator: Generator) -> GeneratorModel:
    """Add a generator."""
    program, name, cause = ctx.program, asset.name, CostCause.GENERATION
    may_run = ~ctx.horizon.touched(generator.maintenance_ranges)
    power = program.columns(ctx.count, upper=np.where(may_run, generator.max_output_power_kw, 0.0))
    program.label_upper(
        power, ctx.intervals, Label(subject=name, constraint="max_power", quantity="power")
    )
    energy_price = generator.fuel_cost_per_kwh * ctx.hours
    if energy_price:
        program.charge(power, energy_price, cause, name, site)
    carbon = ctx.goals.carbon_price_per_kg * generator.emission_gco2e_per_kwh / 1000.0 * ctx.hours
    if carbon:
        program.charge(power, carbon, CostCause.CARBON, name, site)
    commitment = _commit(ctx, site, asset, generator, power) if generator.has_commitment else None
    flow = Flow(
        fixed_kw=np.zeros(ctx.count),
        terms=(Term(ctx.intervals, power, -1.0),),
        low_kw=np.full(ctx.count, -generator.max_output_power_kw),
        high_kw=np.zeros(ctx.count),
    )
    return GeneratorModel(asset, generator, flow, power, commitment, may_run)


def _commit(ctx: Context, site: int, asset: Asset, generator: Generator, power: Ints) -> Commitment:
    program, cause = ctx.program, CostCause.GENERATION
    commitment = add_commitment(
        ctx,
        generator.initial_state,
        generator.min_up_duration,
        generator.min_down_duration,
        ~ctx.horizon.touched(generator.maintenance_ranges),
    )
    rows = program.rows(-INFINITY, 0.0, ctx.count)
    program.put(rows, power, 1.0)
    program.put(rows, commitment.on, -generator.max_output_power_kw)
    if generator.min_output_power_kw > 0:
        rows = program.rows(0.0, INFINITY, ctx.count)
        program.put(rows, power, 1.0)
        program.put(rows, commitment.on, -generator.min_output_power_kw)
    if generator.start_cost:
        program.charge(commitment.start, generator.start_cost, cause, asset.name, site)
    if generator.running_cost_per_hour:
        price = generator.running_cost_per_hour * ctx.hours
        program.charge(commitment.on, price, cause, asset.name, site)
    return commitment
