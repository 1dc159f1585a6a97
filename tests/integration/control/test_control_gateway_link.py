"""Gateways come and go; what they report is taken in once."""

import asyncio
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from tests.fakes.control_gateway import obey, report, say_nothing
from tests.fakes.control_process import BATTERY, HOUR, ControlWorld
from tests.fakes.eventually import eventually
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.gateway.v1 import gateway_link_pb2, gateway_link_pb2_grpc, link_pb2
from wattmesh_control.adapters.postgres_effects import PostgresEffectArchive
from wattmesh_kernel.ids import CommandId
from wattmesh_runtime.database import Database
from wattmesh_runtime.errors import error_from_rpc

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def refuse(dispatch: gateway_link_pb2.CommandDispatch) -> list[gateway_link_pb2.CommandReport]:
    return [report(dispatch, pb.COMMAND_STATE_REFUSED, message="the battery is in maintenance")]


def misread(dispatch: gateway_link_pb2.CommandDispatch) -> list[gateway_link_pb2.CommandReport]:
    return [
        report(dispatch, pb.COMMAND_STATE_APPLIED, dispatch.value),
        report(dispatch, pb.COMMAND_STATE_VERIFIED, dispatch.value / 2),
    ]


async def is_gone(control: ControlWorld) -> bool:
    request = link_pb2.GetGatewayLinkRequest(name="gatewayLinks/local")
    stub = gateway_link_pb2_grpc.GatewayLinkServiceStub(control.channel)
    answer = await stub.GetGatewayLink(request)
    return not answer.gateway_link.connected


async def test_a_command_waits_for_its_gateway(control: ControlWorld) -> None:
    await control.submit(T0, [1000.0])
    await control.command_in(pb.COMMAND_STATE_PENDING)
    control.clock.advance(30 * MINUTE)
    async with control.gateway():
        command = await control.command_in(pb.COMMAND_STATE_VERIFIED)
    assert command.dispatch_time.ToDatetime(UTC) == T0 + 30 * MINUTE


async def test_a_gateway_that_was_killed_gets_its_unfinished_command_again(
    control: ControlWorld,
) -> None:
    async with control.gateway(say_nothing) as killed:
        await control.submit(T0, [1000.0])
        (first,) = await killed.dispatched(1)
        await control.command_in(pb.COMMAND_STATE_DISPATCHED)
        await killed.kill()
    await eventually(lambda: is_gone(control))  # else it may be sent to the dead one once more
    control.clock.advance(10 * MINUTE)
    async with control.gateway() as back:
        (again,) = await back.dispatched(1)
        assert (again.command, again.sequence) == (first.command, first.sequence), (
            "the same command: no second write"
        )
        command = await control.command_in(pb.COMMAND_STATE_VERIFIED)
    assert command.dispatch_count == 2


async def test_a_finished_command_is_not_sent_again(control: ControlWorld) -> None:
    async with control.gateway():
        await control.submit(T0, [1000.0, 2000.0])
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
    async with control.gateway() as back:
        control.clock.set(T0 + HOUR)
        (dispatch,) = await back.dispatched(1)
        assert dispatch.value == 2000.0


async def test_the_newest_stream_of_a_gateway_wins(control: ControlWorld) -> None:
    async with control.gateway(say_nothing) as older, control.gateway() as newer:
        assert await older.call.code() == grpc.StatusCode.ABORTED
        await control.submit(T0, [1000.0])
        await newer.dispatched(1)
        assert not older.dispatches


async def test_reports_that_come_twice_late_or_out_of_order_change_nothing(
    control: ControlWorld,
) -> None:
    async with control.gateway(say_nothing) as gateway:
        await control.submit(T0, [1000.0])
        (dispatch,) = await gateway.dispatched(1)
        applied, verified = obey(dispatch)
        await gateway.send(verified, applied, verified, applied)
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        late = report(dispatch, pb.COMMAND_STATE_EXPIRED, message="the lease had ended")
        await gateway.send(late, applied)
        await control.submit(T0 + HOUR, [1.0])  # any call: the reports before are taken in
        control.clock.set(T0 + HOUR)
        await gateway.dispatched(2)
    command = (await control.commands())[0]
    assert command.state == pb.COMMAND_STATE_VERIFIED
    assert command.message == ""
    rows = await control.rows("SELECT state FROM control.transitions ORDER BY record_time")
    assert [state for (state,) in rows].count("verified") == 1


async def test_a_read_back_that_differs_fails_with_words(control: ControlWorld) -> None:
    async with control.gateway(misread):
        await control.submit(T0, [1000.0])
        command = await control.command_in(pb.COMMAND_STATE_FAILED)
    assert command.message == "the device reads back 500 instead of 1000"
    assert command.read_back_value == 500.0
    assert command.HasField("apply_time")
    counts = await control.statistics()
    assert (counts.applied, counts.verified, counts.failed) == (1, 0, 1)


async def test_a_refusal_keeps_the_gateways_words(control: ControlWorld) -> None:
    async with control.gateway(refuse):
        await control.submit(T0, [1000.0])
        command = await control.command_in(pb.COMMAND_STATE_REFUSED)
    assert command.message == "the battery is in maintenance"


async def test_a_lease_that_ends_unanswered_expires_with_the_gateways_reason(
    control: ControlWorld,
) -> None:
    async with control.gateway(say_nothing) as gateway:
        await control.submit(T0, [1000.0])
        await gateway.dispatched(1)
        await gateway.say(
            gateway_link_pb2.DeviceStatus(
                device=BATTERY, online=False, message="no answer on port 502"
            )
        )
        while not (await control.commands())[0].message:
            await asyncio.sleep(0.01)
        control.clock.advance(HOUR)
        assert (await control.commands())[0].state == pb.COMMAND_STATE_DISPATCHED
        control.clock.advance(15 * MINUTE)
        command = await control.command_in(pb.COMMAND_STATE_EXPIRED)
    assert command.message == "not acknowledged within its lease: no answer on port 502"
    events = await control.rows("SELECT what, message FROM control.device_events")
    assert [what for what, _ in events] == ["offline", "lease_ended"]
    assert "safe state" in events[1][1]


async def test_a_device_that_comes_back_gets_its_command_again(control: ControlWorld) -> None:
    async with control.gateway(say_nothing) as gateway:
        await control.submit(T0, [1000.0])
        await gateway.dispatched(1)
        for online in (False, True):
            await gateway.say(gateway_link_pb2.DeviceStatus(device=BATTERY, online=online))
        first, again = await gateway.dispatched(2)
        assert first == again


async def test_another_gateways_report_is_passed_over(control: ControlWorld) -> None:
    async with (
        control.gateway(say_nothing) as gateway,
        control.gateway(say_nothing, "gateways/other") as other,
    ):
        await control.submit(T0, [1000.0])
        (dispatch,) = await gateway.dispatched(1)
        await other.send(
            *obey(dispatch),
            gateway_link_pb2.CommandReport(command="nonsense"),
            gateway_link_pb2.CommandReport(command="commands/none", state=pb.COMMAND_STATE_APPLIED),
        )
        await gateway.send(obey(dispatch)[0])
        command = await control.command_in(pb.COMMAND_STATE_APPLIED)
    assert not command.HasField("verify_time")


async def test_a_stream_begins_with_hello(control: ControlWorld) -> None:
    stub = gateway_link_pb2_grpc.GatewayLinkServiceStub(control.channel)
    call = stub.Connect()
    status = gateway_link_pb2.DeviceStatus(device=BATTERY)
    await call.write(gateway_link_pb2.ConnectRequest(device_status=status))
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await call.read()
    assert error_from_rpc(failure.value).reason == "HELLO_EXPECTED"


async def test_a_command_that_was_never_applied_in_its_hour_counts_as_failed(
    control: ControlWorld,
) -> None:
    await control.submit(T0, [1000.0, 2000.0])
    await control.command_in(pb.COMMAND_STATE_PENDING)
    control.clock.set(T0 + HOUR)
    await control.command_in(pb.COMMAND_STATE_PENDING, 1)
    first = (await control.commands())[0]
    assert first.state == pb.COMMAND_STATE_EXPIRED
    assert first.message == "its gateway was not connected within its range"
    assert (await control.statistics()).failed == 1


async def test_a_command_that_the_gateways_loop_overrules_is_verified_with_the_reason(
    control: ControlWorld, database_url: str
) -> None:
    """What the device holds is the loop's: no mismatch, and nothing that a meter can judge."""

    def overrule(
        dispatch: gateway_link_pb2.CommandDispatch,
    ) -> list[gateway_link_pb2.CommandReport]:
        applied, verified = misread(dispatch)
        applied.message = "asked 1000, told 500: the loop keeps connection"
        applied.overruled_by = verified.overruled_by = "the loop keeps connection"
        return [applied, verified]

    async with control.gateway(overrule) as gateway:
        await control.submit(T0, [1000.0])
        command = await control.command_in(pb.COMMAND_STATE_VERIFIED)
        assert command.message == "asked 1000, told 500: the loop keeps connection"
        assert not command.HasField("read_back_value")
        event = gateway_link_pb2.SetpointEvent(
            command=command.name,
            device=command.device,
            type=gateway_link_pb2.SETPOINT_EVENT_TYPE_OVERRULED,
            message="the loop keeps connection",
        )
        await gateway.call.write(gateway_link_pb2.ConnectRequest(setpoint_event=event))
        async with Database(database_url, "control") as database:
            effects = PostgresEffectArchive(database)
            name = CommandId.parse(command.name)
            await eventually(lambda: _overruled(effects, name))
            assert not await effects.overruled([CommandId("another")])


async def _overruled(effects: PostgresEffectArchive, name: CommandId) -> bool:
    return bool(await effects.overruled([name]))
