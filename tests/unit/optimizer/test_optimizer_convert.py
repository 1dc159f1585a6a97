"""The door: protos become domain values, and what makes no sense is refused by name."""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest

from tests.fakes.optimizer_problem import SITE, every_kind
from wattmesh.optimizer.v1 import asset_pb2, optimizer_pb2, plan_pb2, problem_pb2
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.api.plan import money, plan_to_proto, schedule_from_proto
from wattmesh_optimizer.api.problem import options_from_proto, problem_from_proto
from wattmesh_optimizer.api.thermal import hvac_zone_from_proto
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_optimizer.domain.storage import Battery, EvCharger


def test_every_kind_of_asset_comes_through_with_its_units_and_defaults() -> None:
    problem = problem_from_proto(every_kind())
    kinds = {asset.label: asset.kind for _, asset in problem.assets()}
    assert len(kinds) == 9
    battery, charger = kinds["battery"], kinds["ev"]
    assert isinstance(battery, Battery)
    assert battery.capacity_kwh == 10
    assert battery.charge_efficiency_ratio == 1.0
    assert battery.final_soc_ratio is None
    assert isinstance(charger, EvCharger)
    assert charger.voltage_v == 230
    assert charger.sessions[0].required_kwh == pytest.approx(4.0)
    assert problem.sites[0].zone.key == "Europe/Berlin"


def test_a_plan_goes_out_in_watts_and_comes_back_as_the_same_schedule() -> None:
    problem = problem_from_proto(every_kind())
    plan = SolvePlan(OrToolsSolver())(problem, SolveOptions(explain=True))
    proto = plan_to_proto(plan)
    assert proto.solver.status == plan_pb2.SOLVE_STATUS_OPTIMAL
    assert len(proto.sites[0].assets[2].soc_ratios) == 5
    schedule = schedule_from_proto(plan_pb2.Plan.FromString(proto.SerializeToString()), 4)
    for asset in plan.sites[0].assets:
        same = np.allclose(schedule.assets[asset.name].powers_kw, asset.powers_kw)
        assert same, asset.name
    total = sum(float(item.amount.amount) for item in proto.costs)
    assert float(proto.total_cost.amount) == pytest.approx(total, abs=1e-8)
    assert proto.explanation.sites[0].energy_values_per_kwh


def test_money_has_no_negative_zero() -> None:
    assert money(-1e-12, "EUR").amount == "0.000000000"


Break = Callable[[problem_pb2.Problem], object]


@pytest.mark.parametrize(
    ("damage", "field"),
    [
        (lambda p: p.ClearField("horizon"), "horizon.start_time"),
        (lambda p: setattr(p.horizon, "count", 0), "horizon.count"),
        (lambda p: p.ClearField("sites"), "sites"),
        (lambda p: setattr(p, "currency_code", "USD"), "sites.tariff.currency_code"),
        (lambda p: setattr(p.sites[0], "time_zone", "Mars/Olympus"), "sites.time_zone"),
        (lambda p: p.sites[0].assets.add(name="x"), "assets.kind"),
        (lambda p: setattr(p.sites[0].assets[0], "node_id", "nowhere"), "assets.node_id"),
        (lambda p: p.sites[0].nodes.add(id="a", parent_id="a"), "nodes.parent_id"),
        (lambda p: p.sites[0].assets[0].fixed_load.powers_w.append(1.0), "powers_w"),
        (lambda p: setattr(p.sites[0].assets[2].battery.rating, "capacity_wh", -1), "capacity_wh"),
        (
            lambda p: setattr(p.sites[0].assets[2].battery.rating, "max_soc_ratio", 2),
            "max_soc_ratio",
        ),
        (
            lambda p: p.sites[0].assets[3].ev_charger.sessions[0].ClearField("arrival_time"),
            "sessions.arrival_time",
        ),
        (
            lambda p: p.sites[0].assets[4].hvac_zone.rating.ClearField("occupied_band"),
            "occupied_band",
        ),
        (lambda p: p.sites[0].assets[5].thermal_tank.rating.ClearField("heater"), "heater"),
        (lambda p: p.sites[0].assets[6].deferrable_load.ClearField("run"), "run"),
        (
            lambda p: setattr(p.sites[0].assets[8].generator.rating, "min_output_power_w", 9e9),
            "min_output_power_w",
        ),
        (lambda p: p.sites[0].assets[2].battery.ClearField("rating"), "rating"),
        (lambda p: p.sites[0].assets[7].deferrable_load.ClearField("rating"), "rating"),
        (lambda p: p.sites[0].assets[4].hvac_zone.rating.ClearField("thermal_model"), "thermal"),
        (lambda p: setattr(p.sites[0].assets[0], "phase", 77), "phase"),
        (lambda p: setattr(p.goals, "carbon_basis", 77), "goals.carbon_basis"),
        (lambda p: setattr(p.sites[0].assets[1].renewable_source, "kind", 77), "kind"),
        (
            lambda p: p.sites[0].carbon_intensity.average_intensities_gco2e_per_kwh.append(
                float("nan")
            ),
            "average_intensities",
        ),
        (lambda p: p.groups.add(name="groups/g", site_names=["sites/x"]), "site_names"),
        (
            lambda p: p.sites[0].assets[0].fixed_load.powers_w.__setitem__(0, float("nan")),
            "powers_w",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(damage: Break, field: str) -> None:
    proto = every_kind()
    damage(proto)
    with pytest.raises(InvalidArgument) as refused:
        problem_from_proto(proto)
    assert field in refused.value.field or field in refused.value.message


def test_an_asset_that_makes_no_sense_is_named() -> None:
    proto = every_kind()
    proto.sites[0].assets[2].battery.rating.capacity_wh = 0
    with pytest.raises(InvalidArgument, match=f"{SITE}/assets/battery: capacity_wh"):
        problem_from_proto(proto)


def test_options_are_checked_and_default() -> None:
    defaults = SolveOptions(time_limit=timedelta(seconds=7))
    assert options_from_proto(optimizer_pb2.SolveOptions(), defaults) == defaults
    wrong = optimizer_pb2.SolveOptions(gap_ratio=2.0)
    with pytest.raises(InvalidArgument, match="gap_ratio"):
        options_from_proto(wrong, defaults)
    wrong = optimizer_pb2.SolveOptions()
    wrong.time_limit.FromTimedelta(timedelta(0))
    with pytest.raises(InvalidArgument, match="time_limit"):
        options_from_proto(wrong, defaults)


def test_a_foreign_plan_of_another_length_is_refused() -> None:
    plan = plan_pb2.Plan()
    plan.sites.add(site_name=SITE).assets.add(asset_name="x", powers_w=[1.0])
    with pytest.raises(InvalidArgument, match="needs 4 values"):
        schedule_from_proto(plan, 4)


def test_a_band_of_each_interval_goes_before_that_of_the_rating() -> None:
    zone = asset_pb2.HvacZone(
        initial_air_temperature_celsius=20.0,
        outdoor_temperatures_celsius=[0.0, 0.0],
        min_temperatures_celsius=[17.0, 21.0],
        max_temperatures_celsius=[25.0, 23.0],
    )
    zone.rating.thermal_model.air_capacity_wh_per_k = 1000.0
    zone.rating.thermal_model.air_outdoor_resistance_k_per_w = 0.01
    zone.rating.occupied_band.min_temperature_celsius = 20.0
    zone.rating.occupied_band.max_temperature_celsius = 24.0
    low, high = hvac_zone_from_proto(zone).bands_celsius
    assert (low.tolist(), high.tolist()) == ([17.0, 21.0], [25.0, 23.0])
    zone.max_temperatures_celsius[1] = 20.0
    with pytest.raises(InvalidArgument, match="lower edge"):
        hvac_zone_from_proto(zone)
