"""What a newer client says and this server does not know is refused; what is missing is said."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.optimizer.sites import asset, horizon_of, prices, problem, site, solve
from wattmesh.optimizer.v1 import problem_pb2
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_optimizer.api.problem import problem_from_proto
from wattmesh_optimizer.domain.electrical import FixedLoad, Generator
from wattmesh_optimizer.domain.plan import CostCause
from wattmesh_optimizer.domain.problem import CarbonBasis, Goals, Problem
from wattmesh_optimizer.domain.site import CarbonIntensity, Site

NEWER = 99
"""An enum's number that no server knows today."""


def newer_phase(proto: problem_pb2.Problem) -> None:
    proto.sites[0].assets[0].phase = NEWER  # type: ignore[assignment]


def newer_kind(proto: problem_pb2.Problem) -> None:
    source = proto.sites[0].assets.add(name="sites/a/assets/pv").renewable_source
    source.powers_w.append(-1.0)
    source.kind = NEWER  # type: ignore[assignment]


def newer_basis(proto: problem_pb2.Problem) -> None:
    proto.goals.carbon_basis = NEWER  # type: ignore[assignment]


def newer_direction(proto: problem_pb2.Problem) -> None:
    reserve = proto.reserves.add(id="r", direction=NEWER, power_w=1.0)
    reserve.range.start_time.seconds = proto.horizon.start_time.seconds
    reserve.range.end_time.seconds = proto.horizon.start_time.seconds + 3600
    reserve.activation_duration.seconds = 900


def newer_day(proto: problem_pb2.Problem) -> None:
    period = proto.sites[0].tariff.import_rates.tou_periods.add(display_name="p")
    period.window.days.append(NEWER)  # type: ignore[arg-type]


def newer_interval(proto: problem_pb2.Problem) -> None:
    charge = proto.sites[0].tariff.fixed_charges.add(display_name="f", amount=1.0)
    charge.interval = NEWER  # type: ignore[assignment]


def small() -> problem_pb2.Problem:
    proto = problem_pb2.Problem(currency_code="EUR")
    proto.horizon.start_time.seconds = 1_772_409_600
    proto.horizon.resolution.seconds = 3600
    proto.horizon.count = 1
    load = proto.sites.add(name="sites/a").assets.add(name="sites/a/assets/load").fixed_load
    load.powers_w.append(1.0)
    return proto


@pytest.mark.parametrize(
    "say",
    [newer_phase, newer_kind, newer_basis, newer_direction, newer_day, newer_interval],
)
def test_an_enum_of_tomorrow_is_not_taken_for_one_of_today(
    say: Callable[[problem_pb2.Problem], None],
) -> None:
    proto = small()
    problem_from_proto(proto)
    say(proto)
    with pytest.raises(InvalidArgument):
        problem_from_proto(proto)


def priced(*sites: Site, basis: CarbonBasis = CarbonBasis.AVERAGE) -> Problem:
    goals = Goals(carbon_price_per_kg=0.1, carbon_basis=basis)
    return problem(horizon_of(2), *sites, goals=goals)


def home(name: str) -> Site:
    load = asset(f"load-{name}", FixedLoad(powers_kw=np.ones(2)))
    return replace(site(load, tariff=prices(horizon_of(2), [0.1, 0.1])), name=f"sites/{name}")


def test_a_carbon_price_that_nothing_is_known_for_is_refused() -> None:
    known = replace(home("a"), carbon=CarbonIntensity(average_gco2e_per_kwh=np.full(2, 300.0)))
    with pytest.raises(InvalidArgument, match="no site has average"):
        priced(home("a"))
    with pytest.raises(InvalidArgument, match="no site has marginal"):
        priced(known, basis=CarbonBasis.MARGINAL)
    assert solve(priced(known)).assumptions == ()


def test_a_site_whose_intensity_is_not_known_among_others_is_named() -> None:
    known = replace(home("a"), carbon=CarbonIntensity(average_gco2e_per_kwh=np.full(2, 300.0)))
    (said,) = solve(priced(known, home("b"))).assumptions
    assert said.startswith("sites/b: average carbon intensity unknown")


def test_a_generator_has_emissions_of_its_own_to_price() -> None:
    generator = Generator(max_output_power_kw=1, emission_gco2e_per_kwh=500, fuel_cost_per_kwh=0.01)
    off_grid = home("a")
    off_grid = replace(off_grid, assets=(*off_grid.assets, asset("generator", generator)))
    plan = solve(priced(off_grid))
    carbon = [item.amount for item in plan.costs if item.cause is CostCause.CARBON]
    assert carbon == [pytest.approx(2 * 0.5 * 0.1)]
