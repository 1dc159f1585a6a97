"""People at the controls: hold, opt out, stop in an emergency, release, and see it beforehand."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest

from tests.fakes.control_gateway import FakeGateway
from tests.fakes.control_metering import ControlMetering, home, homes
from tests.fakes.control_process import BATTERY, HOUR, ControlWorld, running_control
from tests.fakes.eventually import eventually
from tests.fakes.manual_clock import ManualClock
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.control.v1 import dry_run_pb2, hold_pb2, operator_pb2_grpc, release_pb2
from wattmesh.gateway.v1 import gateway_link_pb2 as link
from wattmesh.type.v1 import setpoint_pb2
from wattmesh_contracts.values import time_range_to_proto, timestamp_to_proto
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import GatewayId, GroupId, SiteId
from wattmesh_kernel.sites import SiteGroup
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import error_from_rpc

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
STOP, OPT_OUT = hold_pb2.HOLD_KIND_STOP, hold_pb2.HOLD_KIND_OPT_OUT
PENDING, RELEASED = release_pb2.RELEASE_STATE_PENDING, release_pb2.RELEASE_STATE_RELEASED
INVERTER = "sites/home-1/devices/inverter"


class Controls:
    """Somebody at the controls."""

    def __init__(self, control: ControlWorld) -> None:
        self._control = control
        self.stub: Any = operator_pb2_grpc.OperatorServiceStub(control.channel)

    async def place(
        self,
        kind: hold_pb2.HoldKind.ValueType,
        subject: str = "sites/home-1",
        request_id: str = "once",
        expires_in: timedelta | None = None,
        value_w: float | None = None,
        reason: str = "smoke in the cellar",
    ) -> hold_pb2.Hold:
        hold = hold_pb2.Hold(subject=subject, kind=kind, owner="ada", reason=reason)
        if expires_in is not None:
            hold.expire_time.CopyFrom(timestamp_to_proto(self._control.clock.now() + expires_in))
        if value_w is not None:
            hold.value = value_w
            hold.setpoint_kind = setpoint_pb2.SETPOINT_KIND_ACTIVE_POWER_W
        request = hold_pb2.PlaceHoldRequest(request_id=request_id, hold=hold)
        placed: hold_pb2.Hold = (await self.stub.PlaceHold(request)).hold
        return placed

    async def get(self, name: str) -> hold_pb2.Hold:
        hold: hold_pb2.Hold = (await self.stub.GetHold(hold_pb2.GetHoldRequest(name=name))).hold
        return hold

    async def release(self, name: str) -> hold_pb2.Hold:
        request = hold_pb2.ReleaseHoldRequest(name=name, owner="bert", reason="it was toast")
        hold: hold_pb2.Hold = (await self.stub.ReleaseHold(request)).hold
        return hold


async def let_go(gateway: FakeGateway, count: int) -> None:
    """Have the gateway say of every withdrawal that the device is released."""
    for each in await gateway.cancelled(count):
        state = pb.COMMAND_STATE_CANCELLED
        await gateway.send(
            link.CommandReport(command=each.command, state=state, message="released")
        )


def states(hold: hold_pb2.Hold) -> dict[str, tuple[int, bool]]:
    return {each.device: (each.state, each.reached) for each in hold.devices}


async def test_an_emergency_stop_of_a_site_ends_what_runs_and_refuses_until_it_is_released(
    control: ControlWorld,
) -> None:
    controls = Controls(control)
    async with control.gateway() as gateway:
        await control.submit(T0, [1000.0, 2000.0])
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        stop = await controls.place(STOP)
        assert states(stop) == {BATTERY: (PENDING, True), INVERTER: (RELEASED, True)}
        await let_go(gateway, 1)

        async def safe() -> bool:
            return states(await controls.get(stop.name))[BATTERY] == (RELEASED, True)

        await eventually(safe)
        words = "the emergency stop of sites/home-1 by ada (smoke in the cellar)"
        assert (await control.commands())[-1].message == words
        refused = await control.submit(T0, [500.0])
        assert [each.message for each in refused.outcomes] == [words]
        answer = await control.override(500.0, HOUR, priority=1000)
        assert (answer.outcome, answer.command.message) == (pb.OUTCOME_REFUSED, words)
        control.clock.set(T0 + HOUR)  # the schedule's next setpoint begins, and does not count
        released = await controls.release(stop.name)
        assert (released.in_force, released.release_owner) == (False, "bert")
        await gateway.dispatched(2)
        assert [each.value for each in gateway.dispatches] == [1000.0, 2000.0]


async def test_a_stop_of_a_group_says_which_devices_could_not_be_reached(
    database_url: str, control_clock: ManualClock
) -> None:
    sites = (SiteId("home-1"), SiteId("home-2"))
    metering = ControlMetering(
        *home("home-1"),
        *home("home-2", GatewayId("remote")),
        SiteGroup(id=GroupId("street"), sites=sites),
    )
    async with running_control(database_url, control_clock, metering) as control:
        controls, remote = Controls(control), "sites/home-2/devices/battery"
        async with control.gateway() as near, control.gateway(name="gateways/remote"):
            await control.submit(T0, [1000.0])
            await control.submit(T0, [1000.0], device=remote)
            await control.command_in(pb.COMMAND_STATE_VERIFIED, 0)
            await control.command_in(pb.COMMAND_STATE_VERIFIED, 1)
            await near.dispatched(1)
        async with control.gateway() as near:
            stop = await controls.place(STOP, "groups/street")
            await let_go(near, 1)

            async def told() -> bool:
                found = states(await controls.get(stop.name))
                return found[BATTERY] == (RELEASED, True) and found[remote] == (PENDING, False)

            await eventually(told)
            lost = {each.device: each.message for each in (await controls.get(stop.name)).devices}
            assert lost[remote] == "gateways/remote is not connected"
        async with control.gateway(name="gateways/remote") as back:
            await let_go(back, 1)

            async def reached() -> bool:
                return states(await controls.get(stop.name))[remote] == (RELEASED, True)

            await eventually(reached)


async def test_a_stop_is_kept_in_the_grace_of_a_lease_and_over_a_restart(
    database_url: str, control_clock: ManualClock, control_metering: ControlMetering
) -> None:
    async with (
        running_control(database_url, control_clock, control_metering) as control,
        control.gateway() as gateway,
    ):
        await control.submit(T0, [1000.0])
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        control_clock.set(T0 + HOUR + MINUTE)  # the schedule is over, its lease is not
        stop = await Controls(control).place(STOP)
        await gateway.cancelled(1)
    async with running_control(database_url, control_clock, control_metering) as control:
        controls = Controls(control)
        assert (await controls.get(stop.name)).in_force
        refused = await control.submit(T0 + HOUR, [500.0])
        assert refused.outcomes[0].outcome == pb.OUTCOME_REFUSED
        again = await controls.place(STOP)
        assert again.name == stop.name, "a repeat gets the first"


async def test_who_opted_out_is_left_alone_by_plans_not_by_people(control: ControlWorld) -> None:
    controls = Controls(control)
    async with control.gateway() as gateway:
        await control.submit(T0, [1000.0, 2000.0, 3000.0])
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        await controls.place(OPT_OUT, BATTERY, expires_in=90 * MINUTE, reason="guests")
        await gateway.cancelled(1)
        refused = await control.submit(T0, [100.0, 200.0, 300.0])
        assert [each.start_time.ToDatetime(UTC) for each in refused.outcomes] == [T0]
        assert (await control.override(-3000.0, 30 * MINUTE)).outcome == pb.OUTCOME_ACCEPTED
        await gateway.dispatched(2)
        control.clock.set(T0 + 90 * MINUTE)  # it ends by itself, within a setpoint that waited
        await gateway.dispatched(3)
        assert [each.value for each in gateway.dispatches] == [1000.0, -3000.0, 200.0]


async def test_a_held_setpoint_goes_before_plans_until_its_time_or_its_release(
    control: ControlWorld,
) -> None:
    controls, setpoint = Controls(control), hold_pb2.HOLD_KIND_SETPOINT
    async with control.gateway() as gateway:
        await control.submit(T0, [1000.0, 2000.0])
        await gateway.dispatched(1)
        held = await controls.place(
            setpoint, BATTERY, expires_in=2 * HOUR, value_w=9000.0, reason="full by noon"
        )
        await gateway.dispatched(2)
        command = await control.command_in(pb.COMMAND_STATE_VERIFIED)
        assert (command.owner, command.source, command.value) == ("ada", held.name, 5000.0)
        control.clock.set(T0 + HOUR)
        await controls.release(held.name)
        await gateway.dispatched(3)
        assert [each.value for each in gateway.dispatches] == [1000.0, 5000.0, 2000.0]


async def test_holds_are_listed_and_watched_with_what_becomes_of_their_devices(
    control: ControlWorld,
) -> None:
    controls = Controls(control)
    async with control.gateway() as gateway:
        await control.submit(T0, [1000.0])
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        watching = controls.stub.WatchHolds(hold_pb2.WatchHoldsRequest())
        stop = await controls.place(STOP)
        async with aclosing(_holds(watching)) as seen:
            assert states(await anext(seen))[BATTERY] == (PENDING, True)
            await let_go(gateway, 1)
            assert states(await anext(seen))[BATTERY] == (RELEASED, True)
            await controls.release(stop.name)
            assert not (await anext(seen)).in_force
    listed = await controls.stub.ListHolds(hold_pb2.ListHoldsRequest(parent="sites/home-1"))
    assert not listed.holds
    request = hold_pb2.ListHoldsRequest(parent="sites/home-1", show_ended=True)
    (ended,) = (await controls.stub.ListHolds(request)).holds
    assert (ended.name, ended.release_reason) == (stop.name, "it was toast")


async def _holds(call: Any) -> AsyncGenerator[hold_pb2.Hold, None]:
    try:
        async for response in call:
            if response.HasField("hold"):
                yield response.hold
    finally:
        call.cancel()


@pytest.mark.parametrize(
    ("hold", "field"),
    [
        ({"subject": "sites/home-1", "kind": STOP, "reason": ""}, "hold.reason"),
        ({"subject": "sites", "kind": STOP}, "hold.subject"),
        ({"subject": "sites/home-1", "kind": STOP, "expires_in": HOUR}, "hold.expire_time"),
        ({"subject": "sites/home-1", "kind": 1, "value_w": 1.0}, "hold.subject"),
        ({"subject": BATTERY, "kind": 1, "value_w": 1.0}, "hold.expire_time"),
        ({"subject": BATTERY, "kind": OPT_OUT, "value_w": 1.0}, "hold.value"),
        ({"subject": BATTERY, "kind": OPT_OUT, "expires_in": -HOUR}, "hold.expire_time"),
        ({"subject": BATTERY, "kind": 0}, "hold.kind"),
    ],
)
async def test_a_hold_that_makes_no_sense_is_refused_by_field(
    control: ControlWorld, hold: dict[str, Any], field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await Controls(control).place(**hold)
    error = error_from_rpc(failure.value)
    assert isinstance(error, InvalidArgument)
    assert error.field == field


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("sites/nowhere", "SITE_NOT_FOUND"),
        ("groups/nobody", "GROUP_NOT_FOUND"),
        ("sites/home-1/devices/nothing", "DEVICE_NOT_FOUND"),
    ],
)
async def test_what_is_not_there_is_not_held(
    control: ControlWorld, subject: str, reason: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await Controls(control).place(STOP, subject)
    assert error_from_rpc(failure.value).reason == reason


async def dry_run(control: ControlWorld, **what: Any) -> list[dry_run_pb2.DryRunInterval]:
    answer = await Controls(control).stub.DryRun(dry_run_pb2.DryRunRequest(**what))
    return list(answer.intervals)


def schedule(*values_w: float, priority: int = 10) -> pb.SubmitScheduleRequest:
    setpoints = [
        pb.Setpoint(range=time_range_to_proto(TimeRange.of(T0 + hour * HOUR, HOUR)), value=value)
        for hour, value in enumerate(values_w)
    ]
    kind = setpoint_pb2.SETPOINT_KIND_ACTIVE_POWER_W
    return pb.SubmitScheduleRequest(
        request_id="dry",
        source="plans/p1",
        owner="planner",
        priority=priority,
        schedules=[pb.DeviceSchedule(device=BATTERY, kind=kind, setpoints=setpoints)],
    )


async def test_a_dry_run_says_by_interval_what_would_be_asked_limited_by_whom_and_refused_why(
    control: ControlWorld,
) -> None:
    limit = await control.limit(None, 2000.0, 90 * MINUTE)
    held = await Controls(control).place(
        OPT_OUT, "sites/home-1", expires_in=30 * MINUTE, reason="guests"
    )
    await control.submit(T0 + 2 * HOUR, [7.0], owner="somebody", priority=100)
    found = await dry_run(control, schedule=schedule(3000.0, 3000.0, 9000.0))
    said = [
        (
            (each.range.start_time.ToDatetime(UTC) - T0) / MINUTE,
            *(each.outcome, each.value, list(each.limited_by), each.held_by, each.outranked_by),
        )
        for each in found
    ]
    accepted, clamped, refused = pb.OUTCOME_ACCEPTED, pb.OUTCOME_CLAMPED, pb.OUTCOME_REFUSED
    assert said == [
        (0, refused, 0.0, [], held.name, ""),
        (30, clamped, 2000.0, [limit.name], "", ""),
        (60, clamped, 2000.0, [limit.name], "", ""),
        (90, accepted, 3000.0, [], "", ""),
        (120, clamped, 5000.0, ["rating"], "", "somebody"),
    ]
    assert found[0].message == "the opt-out of sites/home-1 by ada (guests)"
    assert "the limit of grid-operator (a test) allows at most 2000 W" in found[1].message
    rows = await control.rows("SELECT count(*) FROM control.proposals WHERE owner = 'planner'")
    assert rows == [(0,)]


async def test_a_dry_run_of_a_plan_asks_what_is_left_of_it(control: ControlWorld) -> None:
    await control.submit(T0, [3000.0, 1000.0])
    await control.limit(None, 2000.0, 30 * MINUTE)
    found = await dry_run(control, plan="plans/p1")
    assert [each.value for each in found] == [2000.0, 3000.0, 1000.0]
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await dry_run(control, plan="plans/p2")
    assert error_from_rpc(failure.value).reason == "PLAN_NOT_FOUND"


async def test_a_dry_run_of_a_command_says_who_would_refuse_it(control: ControlWorld) -> None:
    await control.override(500.0, HOUR, priority=1000, owner="safety")
    command = pb.IssueCommandRequest(
        request_id="dry",
        device=BATTERY,
        kind=setpoint_pb2.SETPOINT_KIND_ACTIVE_POWER_W,
        value=1.0,
        range=time_range_to_proto(TimeRange.of(T0, 2 * HOUR)),
        owner="ada",
        priority=100,
    )
    first, rest = await dry_run(control, command=command)
    assert (first.outcome, first.outranked_by) == (pb.OUTCOME_REFUSED, "safety")
    assert (rest.outcome, rest.value) == (pb.OUTCOME_ACCEPTED, 1.0)
    assert len(await control.commands()) == 1


@pytest.fixture
def control_metering() -> ControlMetering:
    return homes(1)
