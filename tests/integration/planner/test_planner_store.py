from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime

import psycopg
import pytest

from tests.fakes.planner_world import BATTERY, HOUR, START
from wattmesh_kernel.errors import NotFound, Unavailable
from wattmesh_kernel.ids import GroupId, PlanId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.adapters.postgres import PostgresLeases, PostgresPlanStore
from wattmesh_planner.domain.plan import (
    DeviceSchedule,
    Plan,
    PlanState,
    SetpointKind,
    plan_id,
)
from wattmesh_planner.domain.projection import Setpoint
from wattmesh_runtime.database import Database
from wattmesh_runtime.migrations import migrate

STREET = GroupId("street")


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[PostgresPlanStore]:
    async with Database(database_url, "planner") as database:
        await migrate(database, "wattmesh_planner")
        yield PostgresPlanStore(database)


def plan(start: datetime = START, *, attempt: int = 1, solve_ms: float = 5.0) -> Plan:
    setpoint = Setpoint(range=TimeRange.of(start, HOUR), power_w=-1_500.0)
    return Plan(
        id=plan_id(STREET, start, attempt),
        scope=STREET.name,
        sites=("sites/home-1",),
        issue_time=start - HOUR / 2,
        accept_time=None,
        target=TimeRange.of(start, 24 * HOUR),
        resolution=HOUR,
        state=PlanState.FAILED,
        message="",
        solve_duration_ms=solve_ms,
        sources={"sites/home-1/assets/load": "seasonal"},
        schedules=(
            DeviceSchedule(
                device=BATTERY.device, kind=SetpointKind.ACTIVE_POWER_W, setpoints=(setpoint,)
            ),
        ),
        problem=b"problem",
        solution=b"solution",
    )


def given_up(start: datetime) -> Plan:
    nothing = replace(plan(start), solution=None, problem=None, solve_duration_ms=None)
    return replace(nothing, schedules=())


async def test_a_plan_comes_back_as_it_was_stored(store: PostgresPlanStore) -> None:
    accepted = plan().accepted(START - HOUR / 4)
    await store.save(plan())
    await store.save(accepted)

    assert await store.get(accepted.id) == accepted


async def test_a_plan_nobody_made_is_not_found(store: PostgresPlanStore) -> None:
    with pytest.raises(NotFound, match="no-such"):
        await store.get(PlanId("no-such"))


async def test_an_interval_whose_plan_control_never_took_is_still_to_be_planned(
    store: PostgresPlanStore,
) -> None:
    await store.save(plan().accepted(START - HOUR / 4))
    await store.save(plan(START + HOUR))

    assert await store.last_start(STREET.name) == START


async def test_an_interval_that_was_given_up_is_not_planned_again(
    store: PostgresPlanStore,
) -> None:
    await store.save(given_up(START))

    assert await store.last_start(STREET.name) == START


async def test_running_plans_are_those_control_took_oldest_first(store: PostgresPlanStore) -> None:
    for start in (START + HOUR, START):
        await store.save(plan(start).accepted(start - HOUR / 4))
    await store.save(plan(START + 2 * HOUR))

    running = await store.running(STREET.name, TimeRange.of(START, 5 * HOUR))

    assert [each.target.start for each in running] == [START, START + HOUR]
    assert running[0].setpoints_of(BATTERY.device)[0].power_w == -1_500.0


async def test_statistics_count_intervals_not_attempts(store: PostgresPlanStore) -> None:
    await store.save(plan(solve_ms=1.0).accepted(START - HOUR / 4))
    await store.save(plan(START + HOUR, solve_ms=3.0))
    late = plan(START + HOUR, attempt=2, solve_ms=5.0).accepted(START + HOUR + HOUR / 4)
    await store.save(late)
    await store.save(given_up(START + 2 * HOUR))

    everything = await store.statistics("", None)
    first_hour = await store.statistics(STREET.name, TimeRange.of(START, HOUR))

    assert (everything.made, everything.late, everything.failed) == (2, 1, 1)
    assert everything.solve_p50_ms == pytest.approx(3.0)
    assert (first_hour.made, first_hour.late, first_hour.failed) == (1, 0, 0)


async def test_pages_go_on_where_the_last_one_ended(store: PostgresPlanStore) -> None:
    for index in range(5):
        await store.save(plan(START + index * HOUR).accepted(START))

    first = await store.page("", None, 3, None)
    rest = await store.page("", None, 3, first[-1].id.name)

    starts = [each.target.start for each in (*first, *rest)]
    assert starts == [START + index * HOUR for index in reversed(range(5))]


async def test_a_scope_is_planned_by_one_process_until_its_connection_is_gone(
    database_url: str,
) -> None:
    leases = PostgresLeases(database_url)
    async with leases.hold("groups/street") as first, leases.hold("groups/street") as second:
        assert first is not None
        assert second is None
        await first.confirm()
        async with leases.hold("groups/other") as other:
            assert other is not None
    async with leases.hold("groups/street") as again:
        assert again is not None


async def test_a_lease_whose_connection_is_gone_is_known_to_be_lost(database_url: str) -> None:
    async with PostgresLeases(database_url).hold("groups/street") as lease:
        assert lease is not None
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as admin:
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks"
                " WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
            )
        with pytest.raises(Unavailable, match="lease"):
            await lease.confirm()


async def test_a_request_is_remembered_with_its_plan(store: PostgresPlanStore) -> None:
    await store.save(plan())
    await store.remember_trigger("request-1", plan().id)
    await store.remember_trigger("request-1", plan().id)

    assert await store.triggered("request-1") == plan().id
    assert await store.triggered("request-2") is None
