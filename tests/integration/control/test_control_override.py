"""Manual override, limits, and the way back."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import grpc
import psycopg
import pytest

from tests.fakes.control_gateway import say_nothing
from tests.fakes.control_model import battery_asset
from tests.fakes.control_process import BATTERY, HOUR, ControlWorld, eventually
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh_runtime.errors import error_from_rpc

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


async def test_an_override_goes_first_and_the_schedule_comes_back(control: ControlWorld) -> None:
    async with control.gateway() as gateway:
        await control.submit(T0, [1000.0])
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        control.clock.advance(10 * MINUTE)
        answer = await control.override(-3000.0, 20 * MINUTE)
        assert answer.outcome == pb.OUTCOME_ACCEPTED
        assert answer.command.owner == "somebody"
        await control.command_in(pb.COMMAND_STATE_VERIFIED, 1)
        control.clock.advance(20 * MINUTE)
        await gateway.dispatched(3)
        await control.command_in(pb.COMMAND_STATE_VERIFIED, 2)
        assert [each.value for each in gateway.dispatches] == [1000.0, -3000.0, 1000.0]
    spans = [
        (each.range.start_time.ToDatetime(UTC), each.range.end_time.ToDatetime(UTC))
        for each in await control.commands()
    ]
    times = [T0, T0 + 10 * MINUTE, T0 + 30 * MINUTE, T0 + HOUR]
    assert spans == list(pairwise(times))


async def test_a_schedule_waits_behind_an_override(control: ControlWorld) -> None:
    async with control.gateway() as gateway:
        await control.override(500.0, 90 * MINUTE)
        await gateway.dispatched(1)
        await control.submit(T0, [1000.0, 2000.0])
        control.clock.set(T0 + HOUR)
        control.clock.set(T0 + 90 * MINUTE)
        await gateway.dispatched(2)
        command = await control.command_in(pb.COMMAND_STATE_VERIFIED)
        assert [each.value for each in gateway.dispatches] == [500.0, 2000.0]
        assert command.range.start_time.ToDatetime(UTC) == T0 + 90 * MINUTE


async def test_an_override_of_lower_priority_is_refused_on_record(control: ControlWorld) -> None:
    await control.override(500.0, HOUR, priority=1000, owner="safety")
    answer = await control.override(-3000.0, HOUR)
    assert answer.outcome == pb.OUTCOME_REFUSED
    assert answer.command.state == pb.COMMAND_STATE_REFUSED
    assert answer.command.message.startswith("safety goes first with priority 1000 until")
    assert [each.value for each in await control.commands() if each.state == 1] == [500.0]


async def test_an_owners_newer_override_takes_the_place_of_its_older(
    control: ControlWorld,
) -> None:
    async with control.gateway() as gateway:
        await control.override(1.0, 2 * HOUR)
        await gateway.dispatched(1)  # what is replaced before it was sent never is
        await control.override(2.0, HOUR)
        await gateway.dispatched(2)
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        control.clock.advance(75 * MINUTE)
        await eventually(lambda: _lease_ended(control))
        assert len(await control.commands()) == 2, "the older one does not come back"


async def test_a_repeated_override_gets_the_first_answer(control: ControlWorld) -> None:
    first = await control.override(9000.0, HOUR, request_id="once")
    again = await control.override(9000.0, HOUR, request_id="once")
    assert first.outcome == again.outcome == pb.OUTCOME_CLAMPED
    assert first.command.name == again.command.name
    assert first.command.value == 5000.0


async def test_an_override_must_be_for_now(control: ControlWorld) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await control.override(1.0, timedelta(0))
    assert error_from_rpc(failure.value).reason == "NOT_NOW"


async def test_a_cancelled_override_gives_way_to_the_schedule(control: ControlWorld) -> None:
    async with control.gateway() as gateway:
        await control.submit(T0, [1000.0])
        issued = await control.override(-3000.0, HOUR)
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        name = pb.CancelCommandRequest(name=issued.command.name)
        cancelled = (await control.stub.CancelCommand(name)).command
        assert cancelled.state == pb.COMMAND_STATE_CANCELLED
        resumed = await control.command_in(pb.COMMAND_STATE_VERIFIED)
        assert resumed.value == 1000.0
        assert not gateway.cancels, "the fresh command takes its place at the device"
        assert (await control.stub.CancelCommand(name)).command == cancelled


async def test_a_cancelled_command_with_nothing_below_lets_the_device_go(
    control: ControlWorld,
) -> None:
    async with control.gateway() as gateway:
        issued = await control.override(-3000.0, HOUR)
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        await control.stub.CancelCommand(pb.CancelCommandRequest(name=issued.command.name))
        (cancel,) = await gateway.cancelled(1)
        assert cancel.command == issued.command.name


async def test_a_withdrawal_reaches_a_gateway_that_was_away(control: ControlWorld) -> None:
    async with control.gateway():
        issued = await control.override(-3000.0, HOUR)
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
    await control.stub.CancelCommand(pb.CancelCommandRequest(name=issued.command.name))
    async with control.gateway() as back:
        (cancel,) = await back.cancelled(1)
        assert cancel.command == issued.command.name
        assert not back.dispatches


async def test_what_is_over_cannot_be_cancelled(control: ControlWorld) -> None:
    await control.submit(T0, [1000.0, 2000.0])
    (command,) = await control.commands()
    control.clock.set(T0 + HOUR)
    await control.command_in(pb.COMMAND_STATE_PENDING, 1)
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await control.stub.CancelCommand(pb.CancelCommandRequest(name=command.name))
    assert error_from_rpc(failure.value).reason == "COMMAND_OVER"


async def test_a_limit_clamps_what_runs_at_once_and_lets_it_free_when_it_expires(
    control: ControlWorld,
) -> None:
    async with control.gateway() as gateway:
        await control.submit(T0, [3000.0])
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        await control.limit(None, 2000.0, 20 * MINUTE)
        await gateway.dispatched(2)
        await control.limit(None, 1500.0, 10 * MINUTE, owner="fuse")
        await gateway.dispatched(3)
        clamped = await control.command_in(pb.COMMAND_STATE_VERIFIED)
        assert (clamped.requested_value, clamped.value) == (3000.0, 1500.0)
        assert clamped.message == ("3000 W asked, the limit of fuse (a test) allows at most 1500 W")
        control.clock.advance(10 * MINUTE)
        await gateway.dispatched(4)
        control.clock.advance(10 * MINUTE)
        await gateway.dispatched(5)
        values = [each.value for each in gateway.dispatches]
        assert values == [3000.0, 2000.0, 1500.0, 2000.0, 3000.0]


async def test_an_owner_has_one_limit_a_device_and_can_withdraw_it(
    control: ControlWorld,
) -> None:
    async with control.gateway() as gateway:
        await control.submit(T0, [3000.0])
        await gateway.dispatched(1)
        first = await control.limit(None, 2000.0, HOUR)
        await gateway.dispatched(2)
        second = await control.limit(-100.0, 1000.0, HOUR)
        await gateway.dispatched(3)
        assert first.name == second.name
        listed = await control.stub.ListLimits(pb.ListLimitsRequest(parent=BATTERY))
        assert list(listed.limits) == [second]
        await control.stub.DeleteLimit(pb.DeleteLimitRequest(name=second.name))
        await gateway.dispatched(4)
        assert [each.value for each in gateway.dispatches] == [3000.0, 2000.0, 1000.0, 3000.0]
        listed = await control.stub.ListLimits(pb.ListLimitsRequest(parent=BATTERY))
        assert not listed.limits
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await control.stub.DeleteLimit(pb.DeleteLimitRequest(name=second.name))
        assert failure.value.code() == grpc.StatusCode.NOT_FOUND


async def test_a_limit_that_begins_later_holds_from_then_to_its_end(
    control: ControlWorld,
) -> None:
    async with control.gateway() as gateway:
        await control.submit(T0, [3000.0])
        await gateway.dispatched(1)
        limit = await control.limit(None, 2000.0, 20 * MINUTE, starts_in=10 * MINUTE)
        found = await control.stub.GetLimit(pb.GetLimitRequest(name=limit.name))
        assert found.limit == limit
        assert limit.start_time.ToDatetime(UTC) == T0 + 10 * MINUTE
        control.clock.set(T0 + 10 * MINUTE)
        await gateway.dispatched(2)
        control.clock.set(T0 + 20 * MINUTE)
        await gateway.dispatched(3)
        assert [each.value for each in gateway.dispatches] == [3000.0, 2000.0, 3000.0]
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await control.stub.GetLimit(pb.GetLimitRequest(name=limit.name))
        assert failure.value.code() == grpc.StatusCode.NOT_FOUND


async def test_a_repeated_limit_gets_the_first_answer(control: ControlWorld) -> None:
    first = await control.limit(None, 2000.0, HOUR, request_id="once")
    again = await control.limit(None, 2000.0, HOUR, request_id="once")
    assert again == first


async def test_a_limit_counts_in_the_answer_to_a_schedule_while_it_is_in_force(
    control: ControlWorld,
) -> None:
    await control.limit(None, 2000.0, HOUR)
    response = await control.submit(T0, [3000.0, 3000.0])
    assert [each.value for each in response.outcomes] == [2000.0]
    assert response.accepted == 1


async def test_limits_on_what_is_not_there_or_over_are_refused(control: ControlWorld) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await control.limit(None, 1.0, HOUR, device="sites/home-1/devices/nothing")
    assert failure.value.code() == grpc.StatusCode.NOT_FOUND
    for subject, reason in (
        ("sites/nowhere", "SITE_NOT_FOUND"),
        ("groups/nobody", "GROUP_NOT_FOUND"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await control.limit(None, 1.0, HOUR, device=subject)
        assert error_from_rpc(failure.value).reason == reason
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await control.limit(None, 1.0, -HOUR)
    assert error_from_rpc(failure.value).reason == "LIMIT_EXPIRED"


async def test_a_device_whose_rating_falls_is_clamped_at_once(
    control: ControlWorld,
) -> None:
    async with control.gateway() as gateway:
        await control.submit(T0, [3000.0])
        await gateway.dispatched(1)
        control.metering.change(battery_asset(2500.0))
        await gateway.dispatched(2)
        assert gateway.dispatches[1].value == 2500.0


async def _lease_ended(control: ControlWorld) -> bool | None:
    return bool(await control.rows("SELECT 1 FROM control.device_events")) or None


async def test_an_override_goes_out_by_the_transaction_that_takes_it(
    control: ControlWorld, database_url: str
) -> None:
    """A second one before the device hears of it would double the time that takes."""
    async with control.gateway(say_nothing) as gateway:
        answer = await control.override(500.0, HOUR)
        await gateway.dispatched(1)
        async with await psycopg.AsyncConnection.connect(database_url) as connection:
            rows = await connection.execute(
                "SELECT transitions.state, transitions.xmin::text FROM control.transitions"
                " JOIN control.commands ON number = transitions.command"
                " WHERE commands.command = %s",
                (answer.command.name,),
            )
            found: dict[str, str] = dict(await rows.fetchall())
    assert set(found) == {"pending", "dispatched"}
    assert len(set(found.values())) == 1
