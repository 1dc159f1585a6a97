"""A limit is kept by devices that nobody steers, too."""

from datetime import UTC, datetime, timedelta

from tests.fakes.control_process import BATTERY, HOUR, ControlWorld
from tests.fakes.eventually import eventually
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.type.v1 import setpoint_pb2

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
INVERTER = "sites/home-1/devices/inverter"


async def test_a_limit_is_written_to_a_device_that_is_idle(control: ControlWorld) -> None:
    async with control.gateway() as gateway:
        limit = await control.limit(-1500.0, None, HOUR, device=INVERTER)
        (dispatch,) = await gateway.dispatched(1)
        command = await control.command_in(pb.COMMAND_STATE_VERIFIED)
        assert (dispatch.device, dispatch.value) == (INVERTER, 1500.0)
        assert dispatch.kind == setpoint_pb2.SETPOINT_KIND_GENERATION_LIMIT_W
        assert (command.owner, command.source) == ("grid-operator", limit.name)
        assert dispatch.lease_expire_time.ToDatetime(UTC) == T0 + HOUR
        await control.stub.DeleteLimit(pb.DeleteLimitRequest(name=limit.name))
        (cancel,) = await gateway.cancelled(1)
        assert cancel.command == command.name


async def test_a_battery_that_nobody_steers_stands_still_within_a_limit(
    control: ControlWorld,
) -> None:
    async with control.gateway() as gateway:
        await control.limit(None, 2000.0, HOUR)
        await gateway.dispatched(1)
        await control.limit(-4000.0, -1000.0, HOUR, owner="aggregator")
        await gateway.dispatched(2)
        assert [each.value for each in gateway.dispatches] == [0.0, -1000.0]


async def test_a_limit_wider_than_the_device_asks_nothing_of_it(control: ControlWorld) -> None:
    async with control.gateway() as gateway:
        await control.limit(-9000.0, 9000.0, HOUR)
        await control.submit(T0, [100.0])
        await gateway.dispatched(1)
        assert [each.value for each in gateway.dispatches] == [100.0]


async def test_whoever_steers_goes_before_what_a_limit_asks(control: ControlWorld) -> None:
    async with control.gateway() as gateway:
        await control.limit(None, 2000.0, 3 * HOUR)
        await gateway.dispatched(1)
        await control.submit(T0, [3000.0], priority=0)
        await gateway.dispatched(2)
        assert [each.value for each in gateway.dispatches] == [0.0, 2000.0]


async def test_a_limit_is_kept_in_the_grace_of_a_lease(control: ControlWorld) -> None:
    async with control.gateway() as gateway:
        await control.submit(T0, [4000.0])
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        control.clock.set(T0 + HOUR + MINUTE)  # the schedule is over, its lease is not
        await control.limit(None, 2000.0, HOUR)
        await gateway.dispatched(2)
        assert [each.value for each in gateway.dispatches] == [4000.0, 0.0]


async def test_a_lease_that_keeps_the_limit_runs_out_by_itself(control: ControlWorld) -> None:
    async with control.gateway() as gateway:
        await control.limit(None, 2000.0, 3 * HOUR)
        await gateway.dispatched(1)
        await control.submit(T0, [1000.0])
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        control.clock.set(T0 + HOUR)
        await control.submit(T0 + HOUR, [1500.0])  # the next one comes without a gap
        await gateway.dispatched(3)
        control.clock.set(T0 + 2.25 * HOUR)
        await gateway.dispatched(4)
        assert [each.value for each in gateway.dispatches] == [0.0, 1000.0, 1500.0, 0.0]


async def test_a_limit_of_days_is_leased_half_a_day_at_a_time(control: ControlWorld) -> None:
    async with control.gateway() as gateway:
        await control.limit(None, 2000.0, 30 * HOUR)
        for hours in (12, 24):
            count = len(gateway.dispatches) + 1
            await gateway.dispatched(max(count, 1))
            await control.command_in(pb.COMMAND_STATE_VERIFIED)
            control.clock.set(T0 + hours * HOUR)
        await gateway.dispatched(3)
        ends = [each.lease_expire_time.ToDatetime(UTC) - T0 for each in gateway.dispatches]
        assert ends == [12.25 * HOUR, 24.25 * HOUR, 30 * HOUR]
        assert not gateway.cancels
        control.clock.set(T0 + 30 * HOUR)

        async def over() -> bool:
            return bool(await control.rows("SELECT 1 FROM control.device_events"))

        await eventually(over)
        assert {each.device for each in gateway.dispatches} == {BATTERY}
