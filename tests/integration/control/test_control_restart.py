"""Control is killed and comes back: from the database it goes on where it was."""

from datetime import UTC, datetime, timedelta

import psycopg

from tests.fakes.control_gateway import say_nothing
from tests.fakes.control_metering import homes
from tests.fakes.control_process import HOUR, running_control
from tests.fakes.manual_clock import ManualClock
from wattmesh.control.v1 import control_pb2 as pb

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


async def test_a_command_of_the_running_interval_is_not_made_twice(database_url: str) -> None:
    clock, metering = ManualClock(T0), homes(1)
    async with running_control(database_url, clock, metering) as control, control.gateway():
        await control.submit(T0, [1000.0, 2000.0])
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
    clock.advance(30 * MINUTE)
    async with (
        running_control(database_url, clock, metering) as control,
        control.gateway() as gateway,
    ):
        clock.set(T0 + HOUR)
        await gateway.dispatched(1)
        await control.command_in(pb.COMMAND_STATE_VERIFIED, 1)
        assert [each.value for each in await control.commands()] == [1000.0, 2000.0]


async def test_an_unfinished_command_is_sent_again_under_its_name(database_url: str) -> None:
    clock, metering = ManualClock(T0), homes(1)
    async with (
        running_control(database_url, clock, metering) as control,
        control.gateway(say_nothing) as gateway,
    ):
        await control.submit(T0, [1000.0])
        (first,) = await gateway.dispatched(1)
    clock.advance(30 * MINUTE)
    async with (
        running_control(database_url, clock, metering) as control,
        control.gateway() as gateway,
    ):
        (again,) = await gateway.dispatched(1)
        assert (again.command, again.sequence) == (first.command, first.sequence)
        assert again.lease_expire_time == first.lease_expire_time
        await control.command_in(pb.COMMAND_STATE_VERIFIED)


async def test_after_the_database_went_back_in_time_commands_are_newer_than_gateways_remember(
    database_url: str,
) -> None:
    """A gateway takes none that is older than the last one; a restored database counts again."""
    clock, metering = ManualClock(T0), homes(1)
    async with (
        running_control(database_url, clock, metering) as control,
        control.gateway() as gateway,
    ):
        await control.submit(T0, [1000.0])
        (before,) = await gateway.dispatched(1)
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as restored:
        await restored.execute("TRUNCATE control.commands CASCADE")
        await restored.execute("SELECT setval('control.commands_number_seq', 1)")
    clock.advance(30 * MINUTE)
    async with (
        running_control(database_url, clock, metering) as control,
        control.gateway() as gateway,
    ):
        await control.submit(clock.now(), [2000.0])
        after = await gateway.dispatched(1)
        assert min(each.sequence for each in after) > before.sequence


async def test_a_setpoint_that_began_while_it_was_away_counts_from_the_restart(
    database_url: str,
) -> None:
    clock, metering = ManualClock(T0), homes(1)
    async with running_control(database_url, clock, metering) as control:
        await control.submit(T0 + HOUR, [1000.0])
    clock.set(T0 + HOUR + 20 * MINUTE)
    metering.away = True  # what was known of the devices is enough
    async with running_control(database_url, clock, metering) as control, control.gateway():
        command = await control.command_in(pb.COMMAND_STATE_VERIFIED)
        assert command.range.start_time.ToDatetime(UTC) == T0 + HOUR + 20 * MINUTE
        assert command.range.end_time.ToDatetime(UTC) == T0 + 2 * HOUR


async def test_a_lease_that_ended_while_it_was_away_is_closed(database_url: str) -> None:
    clock, metering = ManualClock(T0), homes(1)
    async with running_control(database_url, clock, metering) as control:
        await control.submit(T0, [1000.0])
    clock.advance(5 * HOUR)
    async with running_control(database_url, clock, metering) as control:
        command = await control.command_in(pb.COMMAND_STATE_EXPIRED)
    assert command.message == "its gateway was not connected within its lease"
