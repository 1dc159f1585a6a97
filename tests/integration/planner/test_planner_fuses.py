"""Charge points behind a fuse and a transformer: planner and optimizer together, phase by phase."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from wattmesh_kernel.ids import AssetId, DeviceId, SiteId, TariffId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    Asset,
    EvChargerRating,
    GridConnectionRating,
    Node,
    Phase,
    Site,
)
from wattmesh_kernel.tariff import ClockRange, EnergyRates, Tariff, TouPeriod, Window
from wattmesh_kernel.time import TimeRange
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.api.plan import plan_to_proto
from wattmesh_optimizer.api.problem import problem_from_proto
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_planner.adapters.optimizer import schedules_from_plan
from wattmesh_planner.adapters.optimizer_problem import ProblemWriter
from wattmesh_planner.domain.charging import ChargingNeed, ChargingSession
from wattmesh_planner.domain.facts import Known, value_of
from wattmesh_planner.domain.inputs import AssetInputs, PlanInputs, SiteInputs
from wattmesh_planner.domain.kinds import KINDS
from wattmesh_planner.domain.kinds.kind import AgeLimits, Beginning
from wattmesh_planner.domain.model import Scope, ScopeSite, ScopeState, SiteAsset
from wattmesh_planner.domain.plan import DeviceSchedule
from wattmesh_planner.domain.prices import priced

HOUR = timedelta(hours=1)
START = datetime(2026, 3, 2, 8, tzinfo=UTC)
OFFICE = SiteId("office")
TARIFF = Tariff(
    id=TariffId("tou"),
    currency_code="EUR",
    import_rates=EnergyRates(
        tou_periods=(
            TouPeriod(
                name="evening",
                price_per_kwh=0.5,
                window=Window(clock_ranges=(ClockRange.hours(16, 21),)),
            ),
            TouPeriod(name="else", price_per_kwh=0.2),
        )
    ),
)
LEAST_W = 6.0 * 230.0


@dataclass(frozen=True, kw_only=True)
class Car:
    """A vehicle that is there: its charge point's conductors, its own, and what it needs [Wh]."""

    point: Phase
    own: Phase | None = None
    energy_wh: float = 8_000.0
    hours: float = 6.0
    soc_ratio: float | None = None
    capacity_wh: float | None = None


def planned(fuse: Node, cars: Sequence[Car]) -> Mapping[Phase, np.ndarray]:
    """Return what is told on each conductor per hour [W], of what the whole of it needs."""
    assets = [_charge_point(number, car) for number, car in enumerate(cars)]
    grid = SiteAsset(
        asset=Asset(id=AssetId(OFFICE, "grid"), rating=GridConnectionRating()), points={}
    )
    site = Site(id=OFFICE, time_zone="UTC", currency_code="EUR", tariff=TARIFF.id, nodes=(fuse,))
    scope_site = ScopeSite(site=site, grid_connection=grid.id, assets=(grid, *assets))
    target = TimeRange.of(START, 12 * HOUR)
    states = [_state(asset, car) for asset, car in zip(assets, cars, strict=True)]
    inputs = PlanInputs(
        scope=Scope(id=OFFICE, state=ScopeState.PLANNED, sites=(scope_site,)),
        issue_time=START,
        target=target,
        resolution=HOUR,
        sites=(
            SiteInputs(
                site=scope_site,
                assets=(
                    AssetInputs(asset=grid),
                    *(
                        AssetInputs(asset=asset, state=state)
                        for asset, state in zip(assets, states, strict=True)
                    ),
                ),
                price=value_of(priced(TARIFF, target, HOUR, site.zone, START)),
            ),
        ),
    )
    problem = problem_from_proto(ProblemWriter(carbon_price_per_kg=0.0).problem(inputs))
    options = SolveOptions(time_limit=timedelta(seconds=20), gap_ratio=0.01)
    plan = plan_to_proto(SolvePlan(OrToolsSolver())(problem, options))
    told = {each.asset: _told_w(each) for each in schedules_from_plan(plan, inputs)}
    phases = (Phase.L1, Phase.L2, Phase.L3)
    return {
        conductor: np.sum(
            [
                told[asset.id] * (car.own or car.point).share(conductor)
                for asset, car in zip(assets, cars, strict=True)
            ],
            axis=0,
        )
        for conductor in phases
    }


def _told_w(schedule: DeviceSchedule) -> np.ndarray:
    """Return what a vehicle may draw [W]: one on a single conductor is told a current."""
    values = np.array(schedule.values, dtype=float)
    return values * 230.0 if schedule.kind is SetpointKind.CURRENT_A else values


def _charge_point(number: int, car: Car) -> SiteAsset:
    name = f"ev-{number}"
    return SiteAsset(
        asset=Asset(
            id=AssetId(OFFICE, name),
            rating=EvChargerRating(max_current_a=32.0, min_current_a=6.0),
            phase=car.point,
            node_id="fuse",
        ),
        controller=DeviceId(OFFICE, name),
        points={},
    )


def _state(asset: SiteAsset, car: Car) -> object:
    session = ChargingSession(
        id=f"s-{asset.id.segment}",
        arrival_time=START,
        measure_time=START,
        charged_energy_wh=0.0,
        soc_ratio=car.soc_ratio,
        capacity_wh=car.capacity_wh,
        phase=car.own,
        need=ChargingNeed(departure_time=START + car.hours * HOUR, energy_wh=car.energy_wh),
    )
    beginning = Beginning(
        now=START, start=START, limits=AgeLimits(), readings={}, session=Known(value=session)
    )
    return value_of(KINDS[EvChargerRating].begin(asset, beginning))


def energy_wh(told: Mapping[Phase, np.ndarray], *conductors: Phase) -> float:
    return float(sum(told[each].sum() for each in conductors))


def test_a_fuse_of_32_a_holds_on_the_phase_where_three_single_phase_cars_are() -> None:
    fuse = Node(id="fuse", max_phase_import_power_w=32.0 * 230.0)
    told = planned(fuse, [Car(point=Phase.L1)] * 3 + [Car(point=Phase.L2)])

    assert told[Phase.L1].max() <= 32.0 * 230.0
    assert energy_wh(told, Phase.L1) >= 3 * 8_000.0 - 30
    assert energy_wh(told, Phase.L2) >= 8_000.0 - 10


def test_a_single_phase_car_at_a_charge_point_of_three_counts_on_its_own_phase() -> None:
    fuse = Node(id="fuse", max_phase_import_power_w=20.0 * 230.0)
    single = Car(point=Phase.THREE, own=Phase.L1)
    told = planned(fuse, [single, single, Car(point=Phase.L1)])

    # Told whole amperes, each of the two gets less than one ampere less in each hour.
    assert told[Phase.L1].max() <= 20.0 * 230.0
    assert energy_wh(told, Phase.L1) >= 3 * 8_000.0 - 30 - 2 * 230.0
    assert all(told[each].max() == 0.0 for each in (Phase.L2, Phase.L3))


def test_a_transformer_holds_in_sum_while_no_phase_is_full() -> None:
    fuse = Node(id="fuse", max_import_power_w=22_000.0)
    told = planned(fuse, [Car(point=Phase.THREE, energy_wh=25_000.0)] * 4)

    assert sum(told.values()).max() <= 22_000.0  # type: ignore[union-attr]
    assert energy_wh(told, *told) >= 4 * 25_000.0 - 50


@pytest.mark.parametrize("missing_wh", [1_500.0, 2_900.0, 4_500.0])
def test_a_car_that_needs_less_than_an_hour_at_least_current_is_filled_at_once(
    missing_wh: float,
) -> None:
    """It gets full within the interval and stops by itself: that is no reason to wait."""
    full_soon = Car(
        point=Phase.THREE,
        energy_wh=missing_wh,
        soc_ratio=1.0 - missing_wh / 60_000.0,
        capacity_wh=60_000.0,
    )
    told = planned(Node(id="fuse", max_import_power_w=22_000.0), [full_soon])

    hourly = sum(told.values())
    assert hourly[0] >= 3 * LEAST_W - 1, "nothing is gained by waiting"  # type: ignore[index]
