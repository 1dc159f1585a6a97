"""Past time over again, over the wire and through the optimizer itself."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import numpy as np
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc

from tests.fakes.analytics_world import (
    DAY,
    HOME,
    HOUR,
    START,
    AnalyticsWorld,
    HomeDays,
    analytics_world,
)
from wattmesh.analytics.v1 import analytics_service_pb2 as pb
from wattmesh.analytics.v1 import scenario_pb2
from wattmesh.type.v1 import rating_pb2, tariff_pb2
from wattmesh_analytics.adapters.postgres_scenarios import PostgresScenarioStore
from wattmesh_analytics.domain.operation import ScenarioRun
from wattmesh_analytics.domain.scenario import Policy, Scenario
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.database import Database
from wattmesh_runtime.errors import error_from_rpc
from wattmesh_runtime.migrations import migrate

DAYS = 3
SPAN = TimeRange.of(START, DAYS * timedelta(days=1))
HOME_DAYS = HomeDays.of(11, DAYS)
EVENING = np.tile((np.arange(DAY) >= 64) & (np.arange(DAY) < 84), DAYS)
PRICE = np.where(EVENING, 0.54, 0.22)


def time_of_use() -> tariff_pb2.Tariff:
    """0.54 from 16 to 21 h, else 0.22; nothing for export."""
    evening = tariff_pb2.TariffWindow(
        clock_ranges=[tariff_pb2.ClockRange(start_minute=16 * 60, end_minute=21 * 60)]
    )
    return tariff_pb2.Tariff(
        name="tariffs/home",
        currency_code="USD",
        import_rates=tariff_pb2.EnergyRates(
            tou_periods=[
                tariff_pb2.TouPeriod(display_name="On-peak", window=evening, price_per_kwh=0.54),
                tariff_pb2.TouPeriod(display_name="Off-peak", price_per_kwh=0.22),
            ]
        ),
    )


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[AnalyticsWorld]:
    async with analytics_world(database_url, SPAN.end + HOUR, solving=True) as world:
        await world.add_home(time_of_use(), HOME_DAYS)
        await world.publish(np.full(24 * DAYS, 250.0))
        yield world


def scenario(policy: int, **changes: Any) -> scenario_pb2.Scenario:
    return scenario_pb2.Scenario(
        site=HOME,
        range=time_range_to_proto(SPAN),
        policy=policy,  # type: ignore[arg-type]
        resolution=duration_to_proto(timedelta(minutes=15)),
        **changes,
    )


async def run(world: AnalyticsWorld, told: scenario_pb2.Scenario, request_id: str) -> Any:
    """Run a scenario to its end, and return its operation."""
    begun = await world.analytics.RunScenario(
        pb.RunScenarioRequest(scenario=told, request_id=request_id), timeout=20
    )
    operations = operations_pb2_grpc.OperationsStub(world.channel)
    return await operations.WaitOperation(
        operations_pb2.WaitOperationRequest(name=begun.operation), timeout=40
    )


def result_of(operation: Any) -> scenario_pb2.ScenarioResult:
    assert operation.done, operation
    assert not operation.HasField("error"), operation.error
    found = scenario_pb2.ScenarioResult()
    assert operation.response.Unpack(found)
    return found


def cost(net_kwh: Any) -> float:
    return float(np.maximum(net_kwh, 0) @ PRICE)


@pytest.mark.time_limit(120)
async def test_what_if_is_answered_by_the_optimizer_and_regret_is_what_it_leaves(
    world: AnalyticsWorld,
) -> None:
    idle = HOME_DAYS.load + HOME_DAYS.sun
    nothing = result_of(await run(world, scenario(scenario_pb2.SCENARIO_POLICY_IDLE), "idle"))
    ruled = result_of(
        await run(world, scenario(scenario_pb2.SCENARIO_POLICY_SELF_CONSUMPTION), "rule")
    )
    best = result_of(await run(world, scenario(scenario_pb2.SCENARIO_POLICY_FORESIGHT), "best"))
    large = rating_pb2.BatteryRating(
        capacity_wh=20_000,
        max_charge_power_w=8_000,
        max_discharge_power_w=8_000,
        charge_efficiency_ratio=0.95,
        discharge_efficiency_ratio=0.95,
    )
    larger = result_of(
        await run(world, scenario(scenario_pb2.SCENARIO_POLICY_FORESIGHT, battery=large), "large")
    )

    assert float(nothing.cost_amount) == pytest.approx(cost(idle), abs=0.01)
    assert float(nothing.metered_amount) == pytest.approx(cost(HOME_DAYS.grid), abs=0.01)
    net = {
        each: float(found.cost_amount) - float(found.stored_amount)
        for each, found in {"idle": nothing, "rule": ruled, "best": best, "large": larger}.items()
    }
    assert net["large"] < net["best"] < net["rule"] < net["idle"]
    assert float(best.saved_amount) == pytest.approx(
        float(best.metered_amount) - net["best"], abs=0.011
    )
    assert nothing.emissions_gco2e == pytest.approx(250 * np.maximum(idle, 0).sum(), rel=1e-6)
    assert (best.covered_ratio, best.full_cycles > 1) == (1.0, True)


@pytest.mark.time_limit(120)
async def test_no_sun_at_all_is_bought_and_a_repeat_is_the_first_operation(
    world: AnalyticsWorld,
) -> None:
    dark = scenario(
        scenario_pb2.SCENARIO_POLICY_IDLE,
        generation_ratio=0.0,
        charging=scenario_pb2.SCENARIO_CHARGING_FORESIGHT,
        charger_power_w=3_700,
        climate=scenario_pb2.SCENARIO_CLIMATE_THERMOSTAT,
        tanks=scenario_pb2.SCENARIO_TANKS_FORESIGHT,
        runs=scenario_pb2.SCENARIO_RUNS_AT_ONCE,
        upper_edge_shift_kelvin=-1,
    )
    first = await run(world, dark, "dark")
    again = await run(world, dark, "dark")

    assert first.name == again.name
    assert result_of(again).scenario == dark, "as it was asked, at its own resolution"
    assert float(result_of(again).cost_amount) == pytest.approx(cost(HOME_DAYS.load), abs=0.01)


TINY = rating_pb2.BatteryRating(capacity_wh=1, max_charge_power_w=1, max_discharge_power_w=1)
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"policy": 0}, "UNKNOWN_VALUE"),
    ({"without_batteries": True, "battery": TINY}, "INVALID_SCENARIO"),
    ({"range": time_range_to_proto(TimeRange.of(START, HOUR))}, "INVALID_SCENARIO"),
    ({"range": time_range_to_proto(TimeRange.of(SPAN.end, timedelta(days=1)))}, "NOT_OVER"),
    ({"charging": 9}, "UNKNOWN_VALUE"),
    ({"tanks": 9}, "UNKNOWN_VALUE"),
    ({"runs": 9}, "UNKNOWN_VALUE"),
    ({"vehicle_to_grid": True}, "INVALID_SCENARIO"),
    ({"lower_edge_shift_kelvin": 1.0}, "INVALID_SCENARIO"),
    ({"site": "sites/nowhere"}, "SITE_NOT_FOUND"),
    ({"tariff": "tariffs/nobodys"}, "TARIFF_NOT_FOUND"),
]


async def test_scenarios_are_listed_page_by_page_and_forgotten_and_what_makes_no_sense_is_refused(
    world: AnalyticsWorld,
) -> None:
    idle = scenario(scenario_pb2.SCENARIO_POLICY_IDLE)
    done = await asyncio.gather(*(run(world, idle, f"r-{each}") for each in range(3)))
    operations = operations_pb2_grpc.OperationsStub(world.channel)
    await operations.DeleteOperation(operations_pb2.DeleteOperationRequest(name=done[0].name))
    first = await operations.ListOperations(operations_pb2.ListOperationsRequest(page_size=1))
    rest = await operations.ListOperations(
        operations_pb2.ListOperationsRequest(page_size=1, page_token=first.next_page_token)
    )
    names = {each.name for page in (first, rest) for each in page.operations}
    assert names == {each.name for each in done[1:]}
    assert rest.next_page_token == ""
    for number, (changes, reason) in enumerate(REFUSED):
        told = scenario_pb2.Scenario(
            **{"site": HOME, "range": time_range_to_proto(SPAN), "policy": 3, **changes}
        )
        request = pb.RunScenarioRequest(scenario=told, request_id=f"refused-{number}")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await world.analytics.RunScenario(request)
        assert error_from_rpc(refused.value).reason == reason, changes


async def test_a_scenario_whose_process_died_has_failed_and_a_cancelled_one_is_told_so(
    database_url: str,
) -> None:
    async with Database(database_url, "analytics") as database:
        await migrate(database, "wattmesh_analytics")
        store = PostgresScenarioStore(database)
        begun = ScenarioRun(
            name="operations/one",
            request_id="one",
            scenario=Scenario(
                site=SiteId("home-1"),
                range=SPAN,
                resolution=timedelta(minutes=15),
                policy=Policy.IDLE,
            ),
            start_time=SPAN.end,
        )
        await store.begin(begun)
        assert await store.save(begun.at(0.5, "half"))
        assert await store.get(begun.name, timedelta(hours=1)) == begun.at(0.5, "half")
        lost = await store.get(begun.name, timedelta(0))
        await store.cancel(begun.name)
        told = await store.save(begun)
    assert (lost.done, lost.error) == (True, "the process that ran it has ended")
    assert not told
