"""What a device does not do at the meters, another member of its site or group takes over, once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.control_metering import ControlMetering, metered_home
from tests.fakes.control_process import (
    BATTERY,
    HOUR,
    ControlWorld,
    eventually_later,
    running_control,
)
from tests.fakes.manual_clock import ManualClock
from tests.fakes.series_meter import stepping
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.control.v1 import device_event_pb2, effect_pb2, execution_pb2, execution_pb2_grpc
from wattmesh_kernel.ids import GroupId, SiteId
from wattmesh_kernel.sites import SiteGroup

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OTHER = "sites/home-2/devices/battery"
SITES = (SiteId("home-1"), SiteId("home-2"))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


@pytest.fixture
async def control(database_url: str, clock: ManualClock) -> AsyncIterator[ControlWorld]:
    """Two homes of a group, none of whose batteries does anything."""
    interval = timedelta(seconds=10)
    metering = ControlMetering(
        *(part for site in SITES for part in metered_home(site.segment, interval=interval)),
        SiteGroup(id=GroupId("street"), sites=SITES),
    )
    metering.powers = {
        f"{site.name}/devices/{meter}/points/active_power_w": stepping()
        for site in SITES
        for meter in ("battery", "meter")
    }
    settings = {"effect_none_action": "hand_over"}
    async with running_control(database_url, clock, metering, **settings) as world:
        yield world


async def newest(control: ControlWorld, device: str) -> pb.Command | None:
    found = await control.commands(device)
    return found[-1] if found else None


async def test_another_battery_of_the_group_takes_over_on_the_plans_record(
    control: ControlWorld, clock: ManualClock
) -> None:
    async with control.gateway():
        await control.submit(T0, [3000.0])
        await control.submit(T0, [1000.0], device=OTHER, source="plans/p2")
        (first,) = await control.commands(BATTERY)

        async def taken() -> pb.Command | None:
            found = await newest(control, OTHER)
            return found if found is not None and found.value == 4000.0 else None

        command = await eventually_later(clock, MINUTE, taken)
        stub = execution_pb2_grpc.ExecutionServiceStub(control.channel)
        execution = await stub.GetExecution(execution_pb2.GetExecutionRequest(plan="plans/p1"))
        amiss = await control.stub.GetCommand(pb.GetCommandRequest(name=first.name))
        listed = await stub.ListDeviceEvents(
            execution_pb2.ListDeviceEventsRequest(parent="sites/-/devices/-")
        )
    assert (command.source, command.owner, command.request_id) == (
        "plans/p1",
        "planner",
        first.name,
    )
    assert command.range.end_time.ToDatetime(UTC) == T0 + HOUR
    assert amiss.command.state == pb.COMMAND_STATE_CANCELLED
    assert amiss.command.effect_verdict.effect == effect_pb2.EFFECT_NONE
    assert [each.command.name for each in execution.steps] == [first.name, command.name]
    told = {each.type: each for each in listed.events}
    over = told[device_event_pb2.DEVICE_EVENT_TYPE_HANDED_OVER]
    takes = told[device_event_pb2.DEVICE_EVENT_TYPE_TAKES_OVER]
    assert (over.device, over.command) == (BATTERY, first.name)
    assert over.message.startswith(f"to {OTHER} until")
    assert (takes.device, takes.command) == (OTHER, command.name)
    assert "3000 W of sites/home-1/devices/battery: at the meters: no effect" in takes.message


async def test_what_was_taken_over_is_not_handed_back(
    control: ControlWorld, clock: ManualClock
) -> None:
    async with control.gateway():
        await control.submit(T0, [3000.0])

        async def both_given_up() -> bool | None:
            commands = await control.commands()
            cancelled = [x for x in commands if x.state == pb.COMMAND_STATE_CANCELLED]
            return len(cancelled) == 2 or None

        await eventually_later(clock, MINUTE, both_given_up)
        commands = await control.commands()
    assert [each.device for each in commands] == [BATTERY, OTHER]


async def test_nobody_takes_over_who_is_told_something_else_by_people(
    control: ControlWorld, clock: ManualClock
) -> None:
    async with control.gateway():
        await control.submit(T0, [500.0], device=OTHER, priority=100, owner="somebody")
        await control.submit(T0, [3000.0])

        async def given_up() -> bool | None:
            found = await newest(control, BATTERY)
            return (found is not None and found.state == pb.COMMAND_STATE_CANCELLED) or None

        await eventually_later(clock, MINUTE, given_up)
        commands = await control.commands(OTHER)
    assert {each.value for each in commands} == {500.0}
