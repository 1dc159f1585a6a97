"""The metered effect closes the record from plan to meter."""

from datetime import UTC, datetime, timedelta

from tests.fakes.control_metering import homes
from tests.fakes.control_process import HOUR, ControlWorld, eventually, running_control
from tests.fakes.manual_clock import ManualClock
from wattmesh.control.v1 import control_pb2 as pb

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LOOK = 15 * MINUTE


async def metered(control: ControlWorld, count: int) -> list[pb.Command]:
    async def there() -> list[pb.Command] | None:
        found = [each for each in await control.commands() if each.HasField("metered_power_w")]
        return found if len(found) == count else None

    return await eventually(there)


async def test_the_effect_of_all_devices_of_an_interval_is_asked_in_one_call(
    database_url: str,
) -> None:
    metering = homes(3)
    for home in (1, 2, 3):
        metering.net_power_w[f"sites/home-{home}/assets/battery"] = -100.0 * home
    clock = ManualClock(T0)
    async with running_control(database_url, clock, metering) as control, control.gateway():
        for home in (1, 2, 3):
            await control.submit(T0, [-100.0 * home], device=f"sites/home-{home}/devices/battery")
            await control.command_in(pb.COMMAND_STATE_VERIFIED)
        clock.advance(HOUR + LOOK)
        commands = await metered(control, 3)
        clock.advance(LOOK)
    assert [each.metered_power_w for each in commands] == [-100.0, -200.0, -300.0]
    (call,) = metering.energy_calls
    assert len(call.assets) == 3
    assert call.resolution.ToTimedelta() == HOUR


async def test_an_effect_waits_until_it_is_metered_and_metering_is_back(
    control: ControlWorld,
) -> None:
    async with control.gateway():
        await control.submit(T0, [1000.0])
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
    control.clock.advance(HOUR + LOOK)
    await eventually(lambda: _calls(control))
    control.metering.away = True
    control.clock.advance(LOOK)
    control.metering.away = False
    control.metering.net_power_w["sites/home-1/assets/battery"] = 990.0

    async def there() -> float | None:
        control.clock.advance(LOOK)
        (command,) = await control.commands()
        return command.metered_power_w if command.HasField("metered_power_w") else None

    assert await eventually(there) == 990.0


async def test_the_effect_covers_only_the_minutes_in_which_the_command_held(
    control: ControlWorld,
) -> None:
    control.metering.net_power_w["sites/home-1/assets/battery"] = 500.0
    async with control.gateway():
        await control.submit(T0, [1000.0])
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
        control.clock.advance(20 * MINUTE)
        await control.override(0.0, 40 * MINUTE)
        await control.command_in(pb.COMMAND_STATE_VERIFIED, 1)
        control.clock.advance(HOUR)
        await metered(control, 2)
    spans = {
        (call.range.start_time.ToDatetime(UTC), call.range.end_time.ToDatetime(UTC))
        for call in control.metering.energy_calls
    }
    assert spans == {(T0, T0 + 20 * MINUTE), (T0 + 20 * MINUTE, T0 + HOUR)}


async def _calls(control: ControlWorld) -> int | None:
    return len(control.metering.energy_calls) or None
