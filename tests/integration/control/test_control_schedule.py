"""From a schedule to verified commands, over real gRPC and PostgreSQL."""

import asyncio
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from tests.fakes.control_metering import homes
from tests.fakes.control_process import BATTERY, HOUR, ControlWorld, running_control
from tests.fakes.manual_clock import ManualClock
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.type.v1 import setpoint_pb2
from wattmesh_kernel.errors import WattmeshError
from wattmesh_runtime.errors import error_from_rpc

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def start_of(command: pb.Command) -> datetime:
    return command.range.start_time.ToDatetime(UTC)


async def test_each_setpoint_becomes_a_verified_command_at_its_start(
    control: ControlWorld,
) -> None:
    async with control.gateway() as gateway:
        response = await control.submit(T0 + HOUR, [1000.0, -2000.0])
        assert response.accepted == 2
        assert not response.outcomes
        assert await control.commands() == []
        control.clock.set(T0 + HOUR)
        await gateway.dispatched(1)
        first = await control.command_in(pb.COMMAND_STATE_VERIFIED)
        assert (first.value, first.source, first.dispatch_count) == (1000.0, "plans/p1", 1)
        assert start_of(first) == T0 + HOUR
        assert first.lease_expire_time.ToDatetime(UTC) == T0 + 2.25 * HOUR
        control.clock.set(T0 + 2 * HOUR)
        await gateway.dispatched(2)
        second = await control.command_in(pb.COMMAND_STATE_VERIFIED)
        assert second.value == -2000.0
        assert gateway.dispatches[1].sequence > gateway.dispatches[0].sequence
    counts = await control.statistics()
    assert (counts.issued, counts.applied, counts.verified, counts.failed) == (2, 2, 2, 0)


async def test_every_transition_is_stored_with_its_time(control: ControlWorld) -> None:
    async with control.gateway():
        await control.submit(T0 + HOUR, [1000.0])
        control.clock.set(T0 + HOUR)
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
    rows = await control.rows("SELECT state, time FROM control.transitions")
    assert dict(rows) == dict.fromkeys(["pending", "dispatched", "applied", "verified"], T0 + HOUR)


async def test_a_repeated_request_gets_the_first_answer(control: ControlWorld) -> None:
    first = await control.submit(T0, [9000.0, 1.0], request_id="once")
    control.clock.advance(5 * MINUTE)
    again = await control.submit(T0, [9000.0, 1.0], request_id="once")
    assert again == first
    assert [each.outcome for each in again.outcomes] == [pb.OUTCOME_CLAMPED]
    assert len(await control.commands()) == 1


async def test_concurrent_repeats_make_one_command(control: ControlWorld) -> None:
    answers = await asyncio.gather(
        *(control.submit(T0, [1000.0], request_id="once") for _ in range(5))
    )
    assert all(answer == answers[0] for answer in answers)
    assert len(await control.commands()) == 1


async def test_a_newer_value_for_the_running_interval_supersedes(control: ControlWorld) -> None:
    async with control.gateway() as gateway:
        await control.submit(T0, [1000.0])
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        control.clock.advance(10 * MINUTE)
        await control.submit(T0, [1000.0], source="plans/p2")
        assert len(await control.commands()) == 1, "the same value goes on"
        await control.submit(T0, [2000.0], source="plans/p3")
        await gateway.dispatched(2)
        new = await control.command_in(pb.COMMAND_STATE_VERIFIED)
        assert (new.value, new.source) == (2000.0, "plans/p3")
        assert start_of(new) == T0 + 10 * MINUTE
        old = (await control.commands())[0]
        assert old.range.end_time.ToDatetime(UTC) == T0 + 10 * MINUTE


async def test_an_old_schedule_carries_on_while_the_planner_is_away(
    control: ControlWorld,
) -> None:
    async with control.gateway() as gateway:
        await control.submit(T0, [1.0, 2.0, 3.0])
        for hour in range(3):
            control.clock.set(T0 + hour * HOUR)
            await gateway.dispatched(hour + 1)
        assert [each.value for each in gateway.dispatches] == [1.0, 2.0, 3.0]


async def test_setpoints_beyond_the_devices_limits_are_clamped_and_said(
    control: ControlWorld,
) -> None:
    response = await control.submit(T0 - HOUR, [1.0, 7000.0, 3000.0, -9000.0])
    assert response.accepted == 1
    outcomes = [(each.outcome, each.message) for each in response.outcomes]
    assert outcomes == [
        (pb.OUTCOME_REFUSED, "it is over"),
        (pb.OUTCOME_CLAMPED, "7000 W asked, the device allows at most 5000 W"),
        (pb.OUTCOME_CLAMPED, "-9000 W asked, the device allows at least -5000 W"),
    ]
    assert not response.outcomes[0].HasField("value")
    (command,) = await control.commands()
    assert (command.requested_value, command.value) == (7000.0, 5000.0)
    assert command.message == "7000 W asked, the device allows at most 5000 W"


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("sites/home-1/devices/nothing", "the site model has no sites/home-1/devices/nothing"),
        ("sites/home-1/devices/meter", "sites/home-1/devices/meter controls nothing"),
    ],
)
async def test_what_cannot_be_steered_is_refused_by_name(
    control: ControlWorld, device: str, words: str
) -> None:
    response = await control.submit(T0, [1.0], device=device)
    assert [(each.outcome, each.message) for each in response.outcomes] == [
        (pb.OUTCOME_REFUSED, words)
    ]
    assert await control.commands() == []


async def test_a_schedule_of_which_nothing_was_taken_leaves_the_old_one(
    control: ControlWorld,
) -> None:
    await control.submit(T0, [1.0, 2.0])
    await control.submit(T0 - 2 * HOUR, [5.0])
    control.clock.set(T0 + HOUR)
    assert (await control.command_in(pb.COMMAND_STATE_PENDING, 1)).value == 2.0


async def test_an_empty_schedule_lets_the_device_go(control: ControlWorld) -> None:
    async with control.gateway() as gateway:
        await control.submit(T0, [1000.0, 2000.0])
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        await control.submit(T0, [])
        (cancel,) = await gateway.cancelled(1)
        command = await control.command_in(pb.COMMAND_STATE_CANCELLED)
        assert cancel.command == command.name
        assert cancel.device == BATTERY


async def test_pv_is_curtailed_by_a_generation_limit(control: ControlWorld) -> None:
    inverter = "sites/home-1/devices/inverter"
    kind = setpoint_pb2.SETPOINT_KIND_GENERATION_LIMIT_W
    async with control.gateway() as gateway:
        await control.submit(T0, [1500.0], device=inverter, kind=kind)
        (dispatch,) = await gateway.dispatched(1)
        assert (dispatch.kind, dispatch.value, dispatch.device) == (kind, 1500.0, inverter)


async def test_schedules_are_refused_while_the_limits_were_never_known(
    database_url: str,
) -> None:
    metering = homes(1)
    metering.away = True
    async with running_control(database_url, ManualClock(T0), metering) as control:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await control.submit(T0, [1000.0])
        error = error_from_rpc(failure.value)
        assert error.reason == "SITE_MODEL_UNKNOWN"
        metering.away = False
        assert (await control.submit(T0, [1000.0])).accepted == 1


@pytest.mark.parametrize(
    "change",
    [
        {"owner": ""},
        {"source": ""},
        {"priority": 1001},
        {"device": "sites/home-1"},
        {"kind": setpoint_pb2.SETPOINT_KIND_UNSPECIFIED},
    ],
)
async def test_a_malformed_schedule_is_invalid(
    control: ControlWorld, change: dict[str, object]
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await control.submit(T0, [1.0], **change)  # type: ignore[arg-type]
    assert failure.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_lists_are_paged_newest_first_and_filtered(control: ControlWorld) -> None:
    await control.submit(T0, [1.0, 2.0, 3.0])
    for hour in range(3):
        control.clock.set(T0 + hour * HOUR)
        await control.command_in(pb.COMMAND_STATE_PENDING, hour)
    request = pb.ListCommandsRequest(parent="sites/home-1/devices/-", page_size=2)
    page = await control.stub.ListCommands(request)
    assert [each.value for each in page.commands] == [3.0, 2.0]
    request.page_token = page.next_page_token
    rest = await control.stub.ListCommands(request)
    assert [each.value for each in rest.commands] == [1.0]
    assert rest.next_page_token == ""
    other = pb.ListCommandsRequest(parent="sites/home-2/devices/-")
    assert not (await control.stub.ListCommands(other)).commands
    request = pb.ListCommandsRequest(parent=BATTERY)
    request.start_range.start_time.FromDatetime(T0 + HOUR)
    request.start_range.end_time.FromDatetime(T0 + 2 * HOUR)
    assert [each.value for each in (await control.stub.ListCommands(request)).commands] == [2.0]
    counts = await control.stub.GetCommandStatistics(
        pb.GetCommandStatisticsRequest(start_range=request.start_range)
    )
    assert counts.issued == 1


async def test_watchers_see_every_change(control: ControlWorld) -> None:
    call = control.stub.WatchCommands(pb.WatchCommandsRequest(parent=BATTERY))
    await call.initial_metadata()
    async with control.gateway():
        await control.submit(T0, [1000.0])
        seen = [(await call.read()).command.state for _ in range(4)]
    call.cancel()
    assert seen[0] == pb.COMMAND_STATE_PENDING
    assert seen[-1] == pb.COMMAND_STATE_VERIFIED


async def test_a_command_nobody_has_is_not_found(control: ControlWorld) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await control.stub.GetCommand(pb.GetCommandRequest(name="commands/none"))
    error: WattmeshError = error_from_rpc(failure.value)
    assert error.reason == "COMMAND_NOT_FOUND"
