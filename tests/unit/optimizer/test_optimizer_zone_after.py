"""What comes after the horizon decides how a zone is left, and is not paid for by the plan."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from numpy.random import Generator, default_rng

from tests.unit.optimizer.sites import asset, cost, horizon_of, power, prices, problem, site, solve
from wattmesh.optimizer.v1 import asset_pb2
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_optimizer.api.thermal import hvac_zone_from_proto
from wattmesh_optimizer.app.solve import Division
from wattmesh_optimizer.domain.plan import CostCause, Plan
from wattmesh_optimizer.domain.site import Asset
from wattmesh_optimizer.domain.thermal import ComfortBand, HeatPump, HvacZone, ZoneAfter

PUMP = HeatPump(max_power_kw=4.0, cop_points=((-10.0, 2.0), (10.0, 4.0)))
COMFORT = ComfortBand(min_temperature_celsius=20, max_temperature_celsius=24)
KNOWN = 6
"""Hours planned; as many come after."""


def heavy_zone(outdoor: np.ndarray, **more: object) -> HvacZone:
    given: dict[str, object] = {
        "air_capacity_kwh_per_k": 0.5,
        "air_outdoor_resistance_k_per_kw": 8.0,
        "mass_capacity_kwh_per_k": 6.0,
        "air_mass_resistance_k_per_kw": 0.8,
        "initial_air_temperature_celsius": 21.0,
        "outdoor_temperatures_celsius": outdoor,
        "occupied_band": COMFORT,
        "heating": PUMP,
    }
    return HvacZone(**{**given, **more})  # type: ignore[arg-type]


def after(outdoor: np.ndarray, prices_per_kwh: np.ndarray) -> ZoneAfter:
    count = len(outdoor)
    return ZoneAfter(
        hours=1.0,
        prices_per_kwh=prices_per_kwh,
        outdoor_temperatures_celsius=outdoor,
        min_temperatures_celsius=np.full(count, 20.0),
        max_temperatures_celsius=np.full(count, 24.0),
    )


def planned(zone: HvacZone, imports: np.ndarray) -> Plan:
    horizon = horizon_of(len(imports))
    return solve(problem(horizon, site(asset("zone", zone), tariff=prices(horizon, list(imports)))))


def drawn(random: Generator) -> tuple[np.ndarray, np.ndarray]:
    return random.uniform(-10, 10, 2 * KNOWN), random.uniform(0.05, 0.5, 2 * KNOWN)


@pytest.mark.parametrize("seed", range(12))
def test_a_zone_is_left_as_a_plan_that_reaches_as_far_leaves_it(seed: int) -> None:
    outdoor, imports = drawn(default_rng(seed))
    whole = planned(heavy_zone(outdoor), imports)
    zone = heavy_zone(outdoor[:KNOWN], after=after(outdoor[KNOWN:], imports[KNOWN:]))
    part = planned(zone, imports[:KNOWN])
    reached = part.asset("sites/home/assets/zone").temperatures_celsius
    expected = whole.asset("sites/home/assets/zone").temperatures_celsius
    assert reached is not None
    assert expected is not None
    assert reached.tolist() == pytest.approx(expected[: KNOWN + 1].tolist(), abs=1e-5)


def test_the_plan_pays_for_its_own_time_alone() -> None:
    outdoor = np.zeros(2 * KNOWN)
    zone = heavy_zone(outdoor[:KNOWN], after=after(outdoor[KNOWN:], np.full(KNOWN, 1.0)))
    plan = planned(zone, np.full(KNOWN, 0.1))
    bill = 0.1 * float(power(plan, "zone").sum())
    assert cost(plan, CostCause.ENERGY) == pytest.approx(bill)
    assert plan.total_cost == pytest.approx(bill)
    assert plan.solver is not None
    assert plan.solver.gap_ratio == pytest.approx(0.0, abs=1e-6)
    short = planned(replace(zone, after=None), np.full(KNOWN, 0.1))
    assert bill > 0.1 * float(power(short, "zone").sum()) + 0.1, "it leaves more than nothing"


def test_sites_planned_apart_state_the_gap_of_what_they_cost() -> None:
    """What comes after costs more than the horizon: in the bound it would hide any gap."""
    outdoor, imports = np.zeros(2 * KNOWN), np.full(KNOWN, 0.1)
    zone = heavy_zone(outdoor[:KNOWN], after=after(outdoor[KNOWN:], np.full(KNOWN, 1.0)))
    horizon = horizon_of(KNOWN)
    home = site(tariff=prices(horizon, list(imports)))
    homes = [
        replace(home, name=name, assets=(Asset(name=f"{name}/assets/zone", kind=zone),))
        for name in (f"sites/home-{number}" for number in range(3))
    ]
    plan = solve(problem(horizon, *homes), division=Division.APART)
    alone = planned(replace(zone, after=None), imports)
    assert plan.total_cost == pytest.approx(3 * alone.total_cost)
    assert plan.solver is not None
    assert plan.solver.gap_ratio == pytest.approx(0.0, abs=1e-6)


def test_what_fans_cost_beside_a_machine_moves_it_and_is_not_on_its_bill() -> None:
    """Two hours ahead at 0.1 are cheaper than at 0.5, but not with fans that add 0.4."""
    outdoor, imports = np.zeros(4), np.array([0.1, 0.1, 0.5, 0.5])
    fans = np.array([0.4, 0.4, 0.0, 0.0])
    alone = planned(heavy_zone(outdoor), imports)
    along = planned(heavy_zone(outdoor, added_prices_per_kwh=fans), imports)
    assert power(along, "zone")[:2].sum() < power(alone, "zone")[:2].sum() - 0.5
    bill = float(imports @ power(along, "zone"))
    assert cost(along, CostCause.ENERGY) == pytest.approx(bill)


def proto_of() -> asset_pb2.HvacZone:
    zone = asset_pb2.HvacZone(outdoor_temperatures_celsius=[0.0] * KNOWN)
    zone.rating.thermal_model.air_capacity_wh_per_k = 1000.0
    zone.rating.thermal_model.air_outdoor_resistance_k_per_w = 0.01
    zone.rating.occupied_band.min_temperature_celsius = 20.0
    zone.rating.occupied_band.max_temperature_celsius = 24.0
    zone.added_prices_per_kwh.extend([0.1] * KNOWN)
    zone.after.resolution.FromTimedelta(timedelta(hours=2))
    zone.after.prices_per_kwh.extend([0.2, 0.3])
    zone.after.outdoor_temperatures_celsius.extend([1.0, 2.0])
    zone.after.heat_gains_w.extend([500.0, 0.0])
    zone.after.min_temperatures_celsius.extend([20.0, 18.0])
    zone.after.max_temperatures_celsius.extend([24.0, 26.0])
    return zone


def test_the_wire_says_what_comes_after() -> None:
    found = hvac_zone_from_proto(proto_of())
    assert found.after is not None
    assert found.after.hours == 2.0
    assert found.after.gains_kw.tolist() == [0.5, 0.0]
    assert found.added_prices_per_kwh is not None
    assert found.added_prices_per_kwh.tolist() == [0.1] * KNOWN


def _no_time(after: asset_pb2.ZoneAfter) -> None:
    after.resolution.FromTimedelta(timedelta(0))


def _two_days(after: asset_pb2.ZoneAfter) -> None:
    after.resolution.FromTimedelta(timedelta(days=2))


def _no_price(after: asset_pb2.ZoneAfter) -> None:
    after.ClearField("prices_per_kwh")


def _other_length(after: asset_pb2.ZoneAfter) -> None:
    after.outdoor_temperatures_celsius.append(3.0)


def _no_number(after: asset_pb2.ZoneAfter) -> None:
    after.prices_per_kwh[0] = float("nan")


def _edges_crossed(after: asset_pb2.ZoneAfter) -> None:
    after.min_temperatures_celsius[1] = 27.0


@pytest.mark.parametrize(
    "spoil",
    [
        _no_time,
        _two_days,
        _no_price,
        _other_length,
        _no_number,
        _edges_crossed,
    ],
)
def test_what_makes_no_sense_after_the_horizon_is_refused(
    spoil: Callable[[asset_pb2.ZoneAfter], None],
) -> None:
    zone = proto_of()
    spoil(zone.after)
    with pytest.raises(InvalidArgument):
        hvac_zone_from_proto(zone)
