"""What happened to a site without the grid is on record, as people read it."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console

from tests.fakes.control_metering import ControlMetering, home, metered_home
from tests.fakes.control_model import device
from tests.fakes.control_process import (
    BATTERY,
    ControlWorld,
    eventually,
    eventually_later,
    running_control,
)
from tests.fakes.manual_clock import ManualClock
from tests.fakes.series_meter import stepping
from wattmesh.control.v1 import (
    control_pb2,
    effect_pb2,
    execution_pb2,
    execution_pb2_grpc,
    hold_pb2,
    operator_pb2_grpc,
)
from wattmesh.gateway.v1 import gateway_link_pb2, loop_policy_pb2
from wattmesh.type.v1 import setpoint_pb2
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_kernel.ids import AssetId, DeviceId, SiteId
from wattmesh_kernel.sites import DeviceFunction, Microgrid, Site
from wattmesh_local.islands import IslandRecord

SWITCH = DeviceId(SiteId("home-1"), "switch")
T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
HOME = SiteId("home-1")


async def test_an_outage_with_what_was_shed_and_restored_is_kept_and_told(
    control: ControlWorld,
) -> None:
    said = Console(file=StringIO(), width=120)
    record = IslandRecord(control.channel, said)
    async with control.gateway() as gateway:
        for seconds, name, message in (
            (0, "ISLANDED", "the grid has 0 V"),
            (1, "SHED", "the site is an island"),
            (30, "RESTORED", "the battery bears it"),
        ):
            event = loop_policy_pb2.LoopEvent(
                site=HOME.name,
                device=BATTERY,
                type=loop_policy_pb2.LoopEventType.Value(f"LOOP_EVENT_TYPE_{name}"),
                event_time=timestamp_to_proto(T0 + timedelta(seconds=seconds)),
                message=message,
            )
            await gateway.call.write(gateway_link_pb2.ConnectRequest(loop_event=event))
        await eventually(lambda: kept(control))
    assert await record.show(HOME, 10) == 1, "it is an island still"
    printed = said.file.getvalue()  # type: ignore[attr-defined]
    assert "is an island" in printed
    assert printed.index("is switched off") < printed.index("may be on again")
    assert "the battery bears it" in printed
    assert await record.show(SiteId("home-9"), 10) == 0


@pytest.fixture
def control_metering() -> ControlMetering:
    grid = DeviceFunction(asset=AssetId(HOME, "grid"), controls=True)
    return ControlMetering(*home("home-1"), device(SWITCH, grid))


async def test_a_drill_opens_the_switch_for_as_long_as_somebody_said(
    control: ControlWorld,
) -> None:
    async with control.gateway() as gateway:
        hold = hold_pb2.Hold(
            subject=SWITCH.name,
            kind=hold_pb2.HOLD_KIND_SETPOINT,
            owner="ada",
            reason="a drill",
            setpoint_kind=setpoint_pb2.SETPOINT_KIND_ON_OFF,
            value=0.0,
        )
        hold.expire_time.CopyFrom(timestamp_to_proto(T0 + timedelta(minutes=30)))
        stub = operator_pb2_grpc.OperatorServiceStub(control.channel)
        await stub.PlaceHold(hold_pb2.PlaceHoldRequest(request_id="drill", hold=hold))
        (dispatch,) = await gateway.dispatched(1)
        assert (dispatch.device, dispatch.value) == (SWITCH.name, 0.0)
        assert dispatch.kind == setpoint_pb2.SETPOINT_KIND_ON_OFF


async def test_what_a_battery_does_for_its_island_is_not_held_against_its_command(
    database_url: str,
) -> None:
    """It gives what the site needs: it was said to do the opposite of its command, and let go."""
    site = Site(id=HOME, time_zone="UTC", currency_code="EUR", microgrid=Microgrid())
    metering = ControlMetering(site, *metered_home("home-1", interval=timedelta(seconds=10)))
    metering.powers = {
        f"{BATTERY}/points/active_power_w": stepping((T0, -3000.0)),
        f"{HOME.name}/devices/meter/points/active_power_w": stepping(),
    }
    clock = ManualClock(T0)
    async with (
        running_control(database_url, clock, metering) as control,
        control.gateway() as gateway,
    ):
        event = loop_policy_pb2.LoopEvent(
            site=HOME.name,
            device=BATTERY,
            type=loop_policy_pb2.LOOP_EVENT_TYPE_ISLANDED,
            event_time=timestamp_to_proto(T0 + timedelta(minutes=2)),
            message="the grid has 0 V",
        )
        await gateway.call.write(gateway_link_pb2.ConnectRequest(loop_event=event))
        await eventually(lambda: islanded(control))
        await control.submit(T0, [3000.0])
        await control.command_in(control_pb2.COMMAND_STATE_VERIFIED)

        async def final() -> control_pb2.Command | None:
            (command,) = await control.commands()
            return command if command.effect_verdict.final else None

        command = await eventually_later(clock, timedelta(minutes=15), final)
        assert not gateway.cancels
    assert command.effect_verdict.effect == effect_pb2.EFFECT_UNKNOWN
    assert command.effect_verdict.reason == effect_pb2.EFFECT_REASON_ISLANDED


async def islanded(control: ControlWorld) -> bool | None:
    stub = execution_pb2_grpc.ExecutionServiceStub(control.channel)
    request = execution_pb2.ListDeviceEventsRequest(parent=f"{HOME.name}/devices/-")
    return bool((await stub.ListDeviceEvents(request)).events) or None


async def kept(control: ControlWorld) -> bool | None:
    stub = execution_pb2_grpc.ExecutionServiceStub(control.channel)
    request = execution_pb2.ListDeviceEventsRequest(parent=f"{HOME.name}/devices/-")
    events = (await stub.ListDeviceEvents(request)).events
    return any(each.message == "the battery bears it" for each in events) or None
