"""Gateways whose clocks are off: told, and refused beyond a bound."""

from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest

from tests.fakes.control_gateway import report
from tests.fakes.control_metering import ControlMetering
from tests.fakes.control_process import BATTERY, HOUR, ControlWorld, running_control
from tests.fakes.eventually import eventually
from tests.fakes.manual_clock import ManualClock
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.gateway.v1 import gateway_link_pb2, gateway_link_pb2_grpc, link_pb2
from wattmesh_contracts.values import duration_from_proto, timestamp_to_proto
from wattmesh_runtime.errors import error_from_rpc

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Drifting:
    """A clock that is ahead of another one, by as much as a test says."""

    def __init__(self, clock: ManualClock, ahead: timedelta) -> None:
        self._clock = clock
        self.ahead = ahead

    def __call__(self) -> datetime:
        return self._clock.now() + self.ahead


def links(control: ControlWorld) -> Any:
    return gateway_link_pb2_grpc.GatewayLinkServiceStub(control.channel)


async def link(control: ControlWorld) -> link_pb2.GatewayLink:
    request = link_pb2.GetGatewayLinkRequest(name="gatewayLinks/local")
    answer: link_pb2.GetGatewayLinkResponse = await links(control).GetGatewayLink(request)
    return answer.gateway_link


async def in_state(control: ControlWorld, state: link_pb2.ClockState.ValueType) -> None:
    async def there() -> bool:
        return (await link(control)).clock_skew.state == state

    await eventually(there)


@pytest.mark.parametrize("side", [1, -1])
async def test_a_gateway_far_off_gets_withdrawals_alone_and_its_commands_say_why(
    control: ControlWorld, side: int
) -> None:
    clock = Drifting(control.clock, side * 300 * SECOND)
    async with control.gateway(clock=clock) as gateway:
        await control.submit(T0, [1000.0])
        await in_state(control, link_pb2.CLOCK_STATE_REFUSED)
        way = "ahead of" if side > 0 else "behind"

        async def told() -> bool:
            (command,) = await control.commands()
            return f"its clock is 300.0 s {way} control's" in command.message

        await eventually(told)
        control.clock.set(T0 + HOUR)
        control.clock.set(T0 + 1.25 * HOUR)
        expired = await control.command_in(pb.COMMAND_STATE_EXPIRED)
        assert expired.message.startswith("not sent within its lease: its clock is 300.0 s")
        assert not gateway.dispatches


async def test_a_clock_that_is_off_is_told_and_leases_travel_as_durations(
    control: ControlWorld,
) -> None:
    clock = Drifting(control.clock, 30 * SECOND)
    async with control.gateway(clock=clock) as gateway:
        await control.submit(T0, [1000.0])
        (dispatch,) = await gateway.dispatched(1)
        assert duration_from_proto(dispatch.lease_duration) == 1.25 * HOUR
        found = await link(control)
        assert (found.gateway, found.connected) == ("gateways/local", True)
        assert duration_from_proto(found.clock_skew.skew) == 30 * SECOND
        assert found.clock_skew.state == link_pb2.CLOCK_STATE_OFF
        listed = await links(control).ListGatewayLinks(link_pb2.ListGatewayLinksRequest())
        assert list(listed.gateway_links) == [found]

    async def gone() -> bool:
        return not (await link(control)).connected

    await eventually(gone)


async def test_reports_of_a_clock_that_is_off_keep_their_order(control: ControlWorld) -> None:
    clock = Drifting(control.clock, -30 * SECOND)

    def obey_late(
        dispatch: gateway_link_pb2.CommandDispatch,
    ) -> list[gateway_link_pb2.CommandReport]:
        answer = report(dispatch, pb.COMMAND_STATE_VERIFIED, dispatch.value)
        answer.report_time.CopyFrom(timestamp_to_proto(clock()))
        return [answer]

    async with control.gateway(obey_late, clock=clock):
        await control.submit(T0, [1000.0])
        verified = await control.command_in(pb.COMMAND_STATE_VERIFIED)
    assert verified.verify_time.ToDatetime(UTC) == T0


async def test_a_clock_that_is_set_in_mid_run_is_noticed_and_let_in_again(
    database_url: str, control_clock: ManualClock, control_metering: ControlMetering
) -> None:
    settings = {"clock_compare_seconds": 0.05}
    async with running_control(
        database_url, control_clock, control_metering, **settings
    ) as control:
        clock = Drifting(control_clock, timedelta(0))
        async with control.gateway(clock=clock) as gateway:
            await control.submit(T0, [1000.0, 2000.0])
            await gateway.dispatched(1)
            await in_state(control, link_pb2.CLOCK_STATE_AGREES)
            clock.ahead = -300 * SECOND
            await in_state(control, link_pb2.CLOCK_STATE_REFUSED)
            control_clock.set(T0 + HOUR)
            await control.command_in(pb.COMMAND_STATE_PENDING)
            clock.ahead = timedelta(0)
            await in_state(control, link_pb2.CLOCK_STATE_AGREES)
            await control.command_in(pb.COMMAND_STATE_VERIFIED)
            assert [each.value for each in gateway.dispatches] == [1000.0, 2000.0]


async def test_a_withdrawal_reaches_a_gateway_whose_clock_was_set(
    database_url: str, control_clock: ManualClock, control_metering: ControlMetering
) -> None:
    settings = {"clock_compare_seconds": 0.05}
    async with running_control(
        database_url, control_clock, control_metering, **settings
    ) as control:
        clock = Drifting(control_clock, timedelta(0))
        async with control.gateway(clock=clock) as gateway:
            issued = await control.override(1000.0, HOUR)
            await control.command_in(pb.COMMAND_STATE_VERIFIED)
            clock.ahead = 300 * SECOND
            await in_state(control, link_pb2.CLOCK_STATE_REFUSED)
            name = pb.CancelCommandRequest(name=issued.command.name)
            await control.stub.CancelCommand(name)
            (cancel,) = await gateway.cancelled(1)
            assert cancel.device == BATTERY


async def test_a_gateway_of_an_older_version_is_not_asked(control: ControlWorld) -> None:
    async with control.gateway() as gateway:
        await control.submit(T0, [1000.0])
        await gateway.dispatched(1)
        assert not (await link(control)).HasField("clock_skew")
        assert gateway.clock_requests == 0


async def test_a_gateway_that_never_dialled_in_has_no_line(control: ControlWorld) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await links(control).GetGatewayLink(link_pb2.GetGatewayLinkRequest(name="gatewayLinks/x"))
    assert error_from_rpc(failure.value).reason == "GATEWAY_LINK_NOT_FOUND"
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await links(control).GetGatewayLink(link_pb2.GetGatewayLinkRequest(name="gateways/x"))
    assert error_from_rpc(failure.value).reason == "INVALID_NAME"
