"""Cancelled says that nobody wants it any more; `release` says whether the device let go."""

from datetime import UTC, datetime

from tests.fakes.control_gateway import FakeGateway
from tests.fakes.control_process import HOUR, ControlWorld
from tests.fakes.eventually import eventually
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.control.v1 import release_pb2
from wattmesh.gateway.v1 import gateway_link_pb2 as link

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
PENDING, RELEASED = release_pb2.RELEASE_STATE_PENDING, release_pb2.RELEASE_STATE_RELEASED


async def cancel(control: ControlWorld, command: str) -> pb.Command:
    answer = await control.stub.CancelCommand(pb.CancelCommandRequest(name=command))
    cancelled: pb.Command = answer.command
    return cancelled


async def running(control: ControlWorld) -> pb.Command:
    await control.override(4000.0, HOUR)
    return await control.command_in(pb.COMMAND_STATE_VERIFIED)


async def release_is(
    control: ControlWorld, state: release_pb2.ReleaseState.ValueType, message: str
) -> None:
    async def there() -> bool:
        release = (await control.commands())[-1].release
        return (release.state, release.message) == (state, message)

    await eventually(there)


async def say(gateway: FakeGateway, command: pb.Command, type_: str, message: str) -> None:
    event = link.SetpointEvent(
        command=command.name,
        device=command.device,
        kind=command.kind,
        type=link.SetpointEventType.Value(f"SETPOINT_EVENT_TYPE_{type_}"),
        message=message,
    )
    await gateway.call.write(link.ConnectRequest(setpoint_event=event))


async def test_a_command_cancelled_while_the_link_is_dead_is_not_said_to_be_released(
    control: ControlWorld,
) -> None:
    async with control.gateway():
        command = await running(control)
    cancelled = await cancel(control, command.name)
    assert (cancelled.state, cancelled.release.state) == (pb.COMMAND_STATE_CANCELLED, PENDING)
    async with control.gateway() as back:
        await back.cancelled(1)
        assert (await control.commands())[-1].release.state == PENDING
        report = link.CommandReport(
            command=command.name, state=pb.COMMAND_STATE_CANCELLED, message="released"
        )
        await back.send(report)
        await release_is(control, RELEASED, "released")


async def test_a_device_that_refuses_to_be_released_is_told_of(control: ControlWorld) -> None:
    async with control.gateway() as gateway:
        command = await running(control)
        await cancel(control, command.name)
        await say(gateway, command, "RELEASE_PENDING", "withdrawn; exception 2")
        await release_is(control, PENDING, "withdrawn; exception 2")
        await say(gateway, command, "RELEASED", "withdrawn; released")
        await release_is(control, RELEASED, "withdrawn; released")
        await say(gateway, command, "RELEASE_PENDING", "what was told late")
        await release_is(control, RELEASED, "withdrawn; released")
    events = await control.rows("SELECT what, message FROM control.device_events ORDER BY number")
    assert events[:2] == [
        ("release_pending", "withdrawn; exception 2"),
        ("released", "withdrawn; released"),
    ]


async def test_a_write_that_failed_and_goes_on_acting_is_told_until_it_is_released(
    control: ControlWorld,
) -> None:
    def swap_the_sign(dispatch: link.CommandDispatch) -> list[link.CommandReport]:
        failed = link.CommandReport(
            command=dispatch.command, state=pb.COMMAND_STATE_FAILED, value=-dispatch.value
        )
        return [failed]

    async with control.gateway(swap_the_sign) as gateway:
        await control.override(4000.0, HOUR)
        failed = await control.command_in(pb.COMMAND_STATE_FAILED)
        await say(gateway, failed, "RELEASE_PENDING", "read-back differs; no connection")
        await release_is(control, PENDING, "read-back differs; no connection")
        await say(gateway, failed, "RELEASED", "read-back differs; released")
        await release_is(control, RELEASED, "read-back differs; released")


async def test_a_command_that_another_took_the_place_of_waits_for_no_release(
    control: ControlWorld,
) -> None:
    async with control.gateway() as gateway:
        await control.submit(T0, [1000.0])
        issued = await control.override(4000.0, HOUR)
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        cancelled = await cancel(control, issued.command.name)
        assert not cancelled.HasField("release")
        assert not gateway.cancels


async def test_what_was_never_sent_no_device_holds(control: ControlWorld) -> None:
    issued = await control.override(4000.0, HOUR)
    cancelled = await cancel(control, issued.command.name)
    assert (cancelled.state, cancelled.HasField("release")) == (pb.COMMAND_STATE_CANCELLED, False)
