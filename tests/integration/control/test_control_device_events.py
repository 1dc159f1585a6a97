"""What gateways and control notice of devices is kept, listed and watched."""

from datetime import UTC, datetime

import grpc
import pytest

from tests.fakes.control_metering import homes
from tests.fakes.control_process import (
    BATTERY,
    HOUR,
    ControlWorld,
    eventually,
    eventually_later,
    running_control,
)
from tests.fakes.manual_clock import ManualClock
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.control.v1 import device_event_pb2 as events_pb
from wattmesh.control.v1 import execution_pb2, execution_pb2_grpc
from wattmesh.gateway.v1 import gateway_link_pb2
from wattmesh.type.v1 import setpoint_pb2
from wattmesh_contracts.values import time_range_to_proto, timestamp_to_proto
from wattmesh_kernel.time import TimeRange

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
DRIFTED = events_pb.DEVICE_EVENT_TYPE_SETPOINT_DRIFTED


def drifted(command: str, value: float) -> gateway_link_pb2.SetpointEvent:
    return gateway_link_pb2.SetpointEvent(
        command=command,
        device=BATTERY,
        kind=setpoint_pb2.SETPOINT_KIND_ACTIVE_POWER_W,
        type=gateway_link_pb2.SETPOINT_EVENT_TYPE_DRIFTED,
        event_time=timestamp_to_proto(T0),
        value=value,
        message="it holds something else",
    )


async def listed(
    control: ControlWorld, count: int, **request: object
) -> list[events_pb.DeviceEvent]:
    """Return a device's events, newest first, once there are so many."""
    stub = execution_pb2_grpc.ExecutionServiceStub(control.channel)
    asked = execution_pb2.ListDeviceEventsRequest(parent="sites/-/devices/-", **request)  # type: ignore[arg-type]

    async def there() -> list[events_pb.DeviceEvent] | None:
        found = (await stub.ListDeviceEvents(asked)).events
        return list(found) if len(found) == count else None

    return await eventually(there)


async def test_what_a_gateway_says_of_a_setpoint_is_listed_and_watched(
    control: ControlWorld,
) -> None:
    stub = execution_pb2_grpc.ExecutionServiceStub(control.channel)
    watch = stub.WatchDeviceEvents(execution_pb2.WatchDeviceEventsRequest(parent=BATTERY))
    await watch.initial_metadata()
    async with control.gateway() as gateway:
        await control.submit(T0, [1000.0])
        command = await control.command_in(pb.COMMAND_STATE_VERIFIED)
        await gateway.tell(drifted(command.name, 750.0))
        (event,) = await listed(control, 1, types=[DRIFTED])
        heard = (await anext(aiter(watch))).event
    assert heard == event
    assert (event.device, event.command, event.value) == (BATTERY, command.name, 750.0)
    assert event.kind == setpoint_pb2.SETPOINT_KIND_ACTIVE_POWER_W
    assert event.event_time == timestamp_to_proto(T0)


async def test_what_one_process_stores_is_heard_at_another(
    control: ControlWorld, control_clock: ManualClock
) -> None:
    url, metering = control.database_url, homes(1)
    async with running_control(url, control_clock, metering) as other:
        stub = execution_pb2_grpc.ExecutionServiceStub(other.channel)
        watch = stub.WatchDeviceEvents(execution_pb2.WatchDeviceEventsRequest(parent=BATTERY))
        await watch.initial_metadata()
        async with control.gateway() as gateway:
            await control.submit(T0, [1000.0])
            command = await control.command_in(pb.COMMAND_STATE_VERIFIED)
            await gateway.tell(drifted(command.name, 750.0))
            heard = (await anext(aiter(watch))).event
    assert (heard.type, heard.value) == (DRIFTED, 750.0)


async def test_events_come_in_pages_newest_first(control: ControlWorld) -> None:
    async with control.gateway() as gateway:
        await control.submit(T0, [1000.0])
        command = await control.command_in(pb.COMMAND_STATE_VERIFIED)
        for value in (1.0, 2.0, 3.0):
            await gateway.tell(drifted(command.name, value))
        await listed(control, 3)
    stub = execution_pb2_grpc.ExecutionServiceStub(control.channel)
    values, token = list[float](), ""
    while True:
        request = execution_pb2.ListDeviceEventsRequest(
            parent="sites/home-1/devices/-", page_size=2, page_token=token
        )
        page = await stub.ListDeviceEvents(request)
        values += [each.value for each in page.events]
        token = page.next_page_token
        if not token:
            break
    assert values == [3.0, 2.0, 1.0]
    later = time_range_to_proto(TimeRange(T0 + HOUR, T0 + 2 * HOUR))
    assert await listed(control, 0, range=later) == []


async def test_every_step_of_a_command_is_listed_in_order(control: ControlWorld) -> None:
    async with control.gateway():
        await control.submit(T0, [1000.0])
        command = await control.command_in(pb.COMMAND_STATE_VERIFIED)
    stub = execution_pb2_grpc.ExecutionServiceStub(control.channel)
    states, token = list[int](), ""
    for _ in range(2):
        page = await stub.ListCommandTransitions(
            execution_pb2.ListCommandTransitionsRequest(
                parent=command.name, page_size=2, page_token=token
            )
        )
        states += [each.state for each in page.transitions]
        token = page.next_page_token
    assert states == [
        pb.COMMAND_STATE_PENDING,
        pb.COMMAND_STATE_DISPATCHED,
        pb.COMMAND_STATE_APPLIED,
        pb.COMMAND_STATE_VERIFIED,
    ]
    assert token == ""


async def test_commands_are_listed_by_source_owner_and_state(control: ControlWorld) -> None:
    async with control.gateway():
        await control.submit(T0, [1000.0], source="plans/p1")
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        await control.submit(T0, [2000.0], source="plans/p2")
        await control.command_in(pb.COMMAND_STATE_VERIFIED, 1)

    async def values(**filters: object) -> list[float]:
        request = pb.ListCommandsRequest(parent="sites/-/devices/-", **filters)  # type: ignore[arg-type]
        return [each.value for each in (await control.stub.ListCommands(request)).commands]

    assert await values(source="plans/p1") == [1000.0]
    assert await values(owner="planner") == [2000.0, 1000.0]
    assert await values(owner="somebody") == []
    assert await values(states=[pb.COMMAND_STATE_VERIFIED]) == [2000.0, 1000.0]
    assert await values(states=[pb.COMMAND_STATE_FAILED]) == []


async def test_the_record_of_a_plan_goes_from_what_was_planned_to_what_was_metered(
    control: ControlWorld,
) -> None:
    control.metering.net_power_w["sites/home-1/assets/battery"] = 1400.0
    stub = execution_pb2_grpc.ExecutionServiceStub(control.channel)
    await control.limit(None, 1500.0, 3 * HOUR)
    async with control.gateway() as gateway:
        await control.submit(T0, [2000.0])
        command = await control.command_in(pb.COMMAND_STATE_VERIFIED)
        await gateway.tell(drifted(command.name, 1400.0))
        await listed(control, 1)
        control.clock.set(T0 + HOUR / 2)
        await control.stub.CancelCommand(pb.CancelCommandRequest(name=command.name))

    async def metered() -> execution_pb2.GetExecutionResponse | None:
        found = await stub.GetExecution(execution_pb2.GetExecutionRequest(plan="plans/p1"))
        return found if found.steps[0].HasField("metered_energy_kwh") else None

    execution = await eventually_later(control.clock, HOUR, metered)
    (step,) = execution.steps
    assert step.stage == execution_pb2.EXECUTION_STAGE_METERED
    assert step.command.requested_value == 2000.0
    assert step.command.value == 1500.0
    assert (step.planned_energy_kwh, step.metered_energy_kwh) == (2.0, 0.7)
    parts = {each.cause: each.energy_kwh for each in step.differences}
    assert parts == pytest.approx(
        {
            execution_pb2.EXECUTION_CAUSE_LIMITED: -0.5,
            execution_pb2.EXECUTION_CAUSE_CUT_SHORT: -0.75,
            execution_pb2.EXECUTION_CAUSE_EFFECT: -0.05,
        }
    )
    assert [each.type for each in step.events] == [DRIFTED]
    assert execution.metered_energy_kwh - execution.planned_energy_kwh == pytest.approx(-1.3)


async def test_a_plan_that_control_never_heard_of_is_not_found(control: ControlWorld) -> None:
    stub = execution_pb2_grpc.ExecutionServiceStub(control.channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.GetExecution(execution_pb2.GetExecutionRequest(plan="plans/nobody"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.GetExecution(execution_pb2.GetExecutionRequest(device=BATTERY))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
