"""Many devices at one instant: none is lost because of how many there are, or of another one."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.fakes.control_metering import homes
from tests.fakes.control_process import HOUR, ControlWorld, eventually, running_control
from tests.fakes.manual_clock import ManualClock
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.type.v1 import setpoint_pb2
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.time import TimeRange

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)


def device(number: int) -> str:
    return f"sites/home-{number}/devices/battery"


def schedule(name: str, value: float) -> pb.DeviceSchedule:
    span = time_range_to_proto(TimeRange.of(T0 + HOUR, HOUR))
    kind = setpoint_pb2.SETPOINT_KIND_ACTIVE_POWER_W
    setpoint = pb.Setpoint(range=span, value=value)
    return pb.DeviceSchedule(device=name, kind=kind, setpoints=[setpoint])


async def submit_for_all(control: ControlWorld, count: int) -> pb.SubmitScheduleResponse:
    """Submit one schedule for the batteries of so many homes."""
    answer: pb.SubmitScheduleResponse = await control.stub.SubmitSchedule(
        pb.SubmitScheduleRequest(
            request_id="all",
            source="plans/all",
            owner="planner",
            priority=10,
            schedules=[schedule(device(number), 1.0) for number in range(1, count + 1)],
        ),
        timeout=60,  # so many devices take a slow machine its time, to learn of and to write
    )
    return answer


async def made(control: ControlWorld) -> int:
    rows = await control.rows("SELECT count(*) FROM control.commands")
    return int(rows[0][0])


@pytest.mark.time_limit(120)
async def test_devices_beyond_one_transaction_are_taken_and_made_in_parts(
    database_url: str,
) -> None:
    clock = ManualClock(T0)
    async with running_control(database_url, clock, homes(1100)) as control:
        first = await submit_for_all(control, 1100)
        assert first.accepted == 1100
        assert await submit_for_all(control, 1100) == first
        clock.set(T0 + HOUR)

        async def all_there() -> bool | None:
            return True if await made(control) == 1100 else None

        await eventually(all_there, 60)


@pytest.mark.time_limit(120)
async def test_a_full_lock_table_is_not_taken_for_a_database_that_is_away(
    database_url: str,
) -> None:
    room, clock = await locks_until_full(database_url), ManualClock(T0)
    async with (
        running_control(database_url, clock, homes(300)) as control,
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as others,
    ):
        assert (await submit_for_all(control, 300)).accepted == 300
        await others.execute(_LOCKS, (1, room - 200))
        clock.set(T0 + HOUR)

        async def all_there() -> bool | None:
            with suppress(psycopg.errors.OutOfMemory):
                cursor = await others.execute("SELECT count(*) FROM control.commands")
                return True if await cursor.fetchone() == (300,) else None
            return None

        await eventually(all_there, 60)


_LOCKS = "SELECT pg_advisory_lock(key) FROM generate_series(%s::bigint, %s) AS keys (key)"


async def locks_until_full(database_url: str) -> int:
    """Return how many locks PostgreSQL has room for besides those that are held."""
    taken = 0
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        while True:
            try:
                await connection.execute(_LOCKS, (taken + 1, taken + 50))
            except psycopg.errors.OutOfMemory:
                return taken
            taken += 50


async def test_a_row_that_makes_no_sense_costs_its_own_device_alone(database_url: str) -> None:
    clock = ManualClock(T0)
    async with running_control(database_url, clock, homes(20)) as control:
        await submit_for_all(control, 20)
        spoil = "UPDATE control.proposals SET kind = %s WHERE device = %s"
        async with await psycopg.AsyncConnection.connect(
            database_url, autocommit=True
        ) as connection:
            await connection.execute(spoil, ("nonsense", device(7)))
            clock.set(T0 + HOUR)

            async def others_there() -> bool | None:
                return True if await made(control) == 19 else None

            await eventually(others_there)
            events = "SELECT device, what FROM control.device_events"

            async def named() -> bool | None:
                return True if await control.rows(events) == [(device(7), "set_aside")] else None

            await eventually(named)
            await connection.execute(spoil, ("active_power_w", device(7)))

        async def taken_up() -> bool | None:
            clock.advance(timedelta(seconds=10))
            await asyncio.sleep(0.05)
            return True if await made(control) == 20 else None

        await eventually(taken_up)


async def test_a_schedule_is_taken_for_all_devices_but_the_one_that_fails(
    database_url: str,
) -> None:
    clock = ManualClock(T0)
    async with running_control(database_url, clock, homes(5)) as control:
        await control.submit(T0, [1.0], device=device(3))
        async with await psycopg.AsyncConnection.connect(
            database_url, autocommit=True
        ) as connection:
            await connection.execute("UPDATE control.proposals SET kind = 'nonsense'")
        answer = await submit_for_all(control, 5)
        assert answer.accepted == 4
        assert [(each.device, each.outcome) for each in answer.outcomes] == [
            (device(3), pb.OUTCOME_REFUSED)
        ]


async def test_a_step_of_a_command_writes_no_index(control: ControlWorld) -> None:
    """PostgreSQL then keeps it within the row's page: with an index more, it writes all of them."""
    found = await control.rows(
        "SELECT attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        " WHERE relname = 'commands' AND attnum > 0"
        " AND EXISTS (SELECT FROM pg_indexes WHERE tablename = 'commands'"
        "             AND schemaname = 'control' AND indexdef ~ ('\\m' || attname || '\\M'))"
    )
    steps = {"state", "message", "dispatch_time", "apply_time", "verify_time", "read_back_value"}
    assert found
    assert not steps & {name for (name,) in found}
