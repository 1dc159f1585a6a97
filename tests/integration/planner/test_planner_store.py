import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.fakes.eventually import eventually
from tests.fakes.planner_home import HOUR, START, STREET, asset_id, device_id
from wattmesh_kernel.errors import Aborted, AlreadyExists, NotFound
from wattmesh_kernel.ids import PlanId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.adapters.postgres import PostgresPlanStore
from wattmesh_planner.domain.degradations import Degradation, Remedy
from wattmesh_planner.domain.facts import Reason, Topic
from wattmesh_planner.domain.plan import DeviceSchedule, Plan, PlanState, plan_id
from wattmesh_runtime.database import Database
from wattmesh_runtime.migrations import migrate
from wattmesh_runtime.postgres_leases import PostgresLeases

STALE = Degradation(
    subject=asset_id("battery").name,
    topic=Topic.STATE,
    remedy=Remedy.ASSUMED,
    reason=Reason.STALE,
    detail="soc_ratio",
    age=timedelta(hours=2),
)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url, "planner") as database:
        await migrate(database, "wattmesh_planner")
        yield database


@pytest.fixture
async def store(database: Database) -> PostgresPlanStore:
    return PostgresPlanStore(database)


def plan(start: datetime = START, *, attempt: int = 1, solve_ms: float = 5.0) -> Plan:
    return Plan(
        id=plan_id(STREET, start, attempt),
        scope=STREET.name,
        sites=("sites/home-1",),
        issue_time=start - HOUR / 2,
        accept_time=None,
        target=TimeRange.of(start, 24 * HOUR),
        resolution=HOUR,
        state=PlanState.FAILED,
        solve_duration_ms=solve_ms,
        sources={"sites/home-1/assets/load": "seasonal"},
        degradations=(STALE,),
        schedules=(
            DeviceSchedule(
                asset=asset_id("battery"),
                device=device_id("battery"),
                kind=SetpointKind.ACTIVE_POWER_W,
                start=start,
                resolution=HOUR,
                values=(-1_500.0, None, 200.0),
            ),
        ),
        problem=b"problem",
        solution=b"solution",
    )


def given_up(start: datetime) -> Plan:
    nothing = replace(plan(start), solution=None, problem=None, solve_duration_ms=None)
    return replace(nothing, schedules=(), failure="the interval passed")


async def keep(store: PostgresPlanStore, made: Plan) -> None:
    await store.add(made)
    if made.accept_time is not None:
        await store.accept(made)


async def test_a_plan_comes_back_as_it_was_stored(store: PostgresPlanStore) -> None:
    accepted = plan().accepted(START - HOUR / 4, [replace(STALE, age=None)])
    await store.add(plan())
    await store.accept(accepted)

    assert await store.get(accepted.id) == accepted


async def test_a_plan_nobody_made_is_not_found(store: PostgresPlanStore) -> None:
    with pytest.raises(NotFound, match="no-such"):
        await store.get(PlanId("no-such"))


async def test_a_plan_never_takes_the_place_of_another(store: PostgresPlanStore) -> None:
    await store.add(plan())

    with pytest.raises(AlreadyExists):
        await store.add(plan(solve_ms=99.0))

    assert await store.get(plan().id) == plan()
    assert await store.known([plan().id, plan(attempt=2).id]) == {plan().id}


async def test_a_planner_that_lost_its_scope_while_it_solved_stores_no_plan(
    store: PostgresPlanStore, database_url: str
) -> None:
    async with PostgresLeases(database_url, "planner") as leases:
        lease = await leases.try_acquire(STREET.name)
        assert lease is not None
        await store.add(plan(), lease)
        await lease.release()
        async with PostgresLeases(database_url, "planner") as others:
            newer = await others.try_acquire(STREET.name)
            assert newer is not None

            with pytest.raises(Aborted, match="plans groups/street by now"):
                await store.add(plan(START + HOUR), lease)
            await store.add(plan(START + HOUR), newer)

    assert await store.known([plan(START + HOUR).id]) == {plan(START + HOUR).id}


async def test_whoever_plans_a_scope_is_known_until_it_is_gone(
    store: PostgresPlanStore, database_url: str
) -> None:
    async with PostgresLeases(database_url, "planner") as leases:
        await leases.try_acquire(STREET.name)
        held = await store.holders([STREET.name, "sites/other"])

    async def nobody() -> bool:
        return await store.holders([STREET.name]) == {}

    assert list(held) == [STREET.name]
    await eventually(nobody)  # the server notices the closed connection a moment later


async def test_a_plan_of_before_degradations_were_kept_can_still_be_read(
    store: PostgresPlanStore, database: Database
) -> None:
    await store.add(plan())
    setpoint = [(START + HOUR).isoformat(), (START + 2 * HOUR).isoformat(), 700.0]
    old = [{"device": "sites/home-1/devices/b", "kind": "active_power_w", "setpoints": [setpoint]}]
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE plans SET setpoints = %s, degradations = DEFAULT, message = 'as it was'",
            (json.dumps(old),),
        )

    kept = await store.get(plan().id)

    assert kept.failure == "as it was"
    assert kept.degradations == ()
    assert kept.schedules[0].values == (None, 700.0)
    assert kept.schedules[0].start == START


async def test_an_interval_whose_plan_control_never_took_is_still_to_be_planned(
    store: PostgresPlanStore,
) -> None:
    await keep(store, plan().accepted(START - HOUR / 4))
    await store.add(plan(START + HOUR))

    assert await store.last_start(STREET.name) == START
    assert await store.last_start("groups/other") is None


async def test_an_interval_that_was_given_up_is_not_planned_again(
    store: PostgresPlanStore,
) -> None:
    await keep(store, plan(START - HOUR).accepted(START - HOUR))
    await store.add_failed([given_up(START), given_up(START)])

    assert await store.last_start(STREET.name) == START
    assert await store.last_planned([STREET.name]) == {STREET.name: START - HOUR}


async def test_the_newest_plan_of_a_scope_is_one_that_was_dealt_with(
    store: PostgresPlanStore,
) -> None:
    """One that control has not taken yet is neither made nor failed."""
    for start in (START, START + HOUR):
        await keep(store, plan(start).accepted(start - HOUR / 4))
    await store.add(plan(START + 2 * HOUR))
    waiting = await store.newest([STREET.name, "groups/other"])
    await store.add_failed([replace(given_up(START + 2 * HOUR), id=PlanId("given-up"))])
    failed = await store.newest([STREET.name])

    assert [(each.scope, each.target.start) for each in waiting] == [(STREET.name, START + HOUR)]
    assert [(each.id.name, each.state) for each in failed] == [("plans/given-up", PlanState.FAILED)]


async def test_running_plans_are_those_control_took_oldest_first(store: PostgresPlanStore) -> None:
    for start in (START + HOUR, START):
        await keep(store, plan(start).accepted(start - HOUR / 4))
    await store.add(plan(START + 2 * HOUR))

    running = await store.running(STREET.name, TimeRange.of(START, 5 * HOUR))

    assert [each.target.start for each in running] == [START, START + HOUR]
    assert running[0].schedules[0].values == (-1_500.0, None, 200.0)


async def test_statistics_count_intervals_not_attempts(store: PostgresPlanStore) -> None:
    await keep(store, plan(solve_ms=1.0).accepted(START - HOUR / 4))
    await store.add(plan(START + HOUR, solve_ms=3.0))
    late = plan(START + HOUR, attempt=2, solve_ms=5.0).accepted(START + HOUR + HOUR / 4)
    await keep(store, late)
    await store.add_failed([given_up(START + 2 * HOUR)])

    everything = await store.statistics("", None)
    first_hour = await store.statistics(STREET.name, TimeRange.of(START, HOUR))

    assert (everything.made, everything.late, everything.failed) == (2, 1, 1)
    assert everything.solve_p50_ms == pytest.approx(3.0)
    assert (first_hour.made, first_hour.late, first_hour.failed) == (1, 0, 0)


async def test_pages_go_on_where_the_last_one_ended(store: PostgresPlanStore) -> None:
    for index in range(5):
        await keep(store, plan(START + index * HOUR).accepted(START))

    first = await store.page("", None, 3, None)
    rest = await store.page("", None, 3, first[-1].id.name)

    starts = [each.target.start for each in (*first, *rest)]
    assert starts == [START + index * HOUR for index in reversed(range(5))]


async def test_a_request_is_remembered_with_its_plan(store: PostgresPlanStore) -> None:
    await store.add(plan())
    await store.remember_trigger("request-1", plan().id)
    await store.remember_trigger("request-1", plan().id)

    assert await store.triggered("request-1") == plan().id
    assert await store.triggered("request-2") is None


async def test_of_plans_that_control_took_the_newest_of_each_start_comes_in_order(
    store: PostgresPlanStore,
) -> None:
    def took(start: datetime, attempt: int) -> Plan:
        made = replace(plan(start, attempt=attempt), issue_time=start - HOUR / (1 + attempt))
        return made.accepted(start - HOUR / 8, [])

    second, later = took(START, 2), took(START + HOUR, 1)
    for each in (later, took(START, 1), second, took(START - HOUR, 1)):
        await keep(store, each)
    await store.add(plan(START + 2 * HOUR))
    found = await store.accepted(STREET.name, TimeRange.of(START, 5 * HOUR))
    assert list(found.items()) == [(START, second.id), (START + HOUR, later.id)]
    solved = await store.solutions([second.id, plan_id(STREET, START, 9)])
    assert {each: made.solution for each, made in solved.items()} == {second.id: b"solution"}
