"""One asset that is gone must not keep the others' effects from being stored."""

from datetime import UTC, datetime, timedelta

from tests.fakes.control_meter import FakeCommandArchive, FakeEnergyMeter
from tests.fakes.control_model import BATTERY_ID, SITE
from tests.fakes.control_observations import FakeObservations
from tests.fakes.control_shards import FakeControl
from tests.fakes.manual_clock import ManualClock
from wattmesh_control.app.meter_effects import EffectRhythm, MeterEffects
from wattmesh_control.domain.command import Command, Target
from wattmesh_control.domain.life import CommandLife, CommandState
from wattmesh_kernel.ids import AssetId, CommandId, GatewayId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.time import TimeRange

T0 = datetime(2024, 1, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def command(name: str, asset: str, hours: float = 0) -> Command:
    start = T0 + hours * HOUR
    return Command(
        command=CommandId(name),
        proposal=1,
        request_id="r1",
        device=BATTERY_ID,
        kind=SetpointKind.ACTIVE_POWER_W,
        source="plans/p1",
        owner="planner",
        priority=10,
        requested_value=1.0,
        value=1.0,
        tolerance=1.0,
        span=TimeRange.of(start, HOUR),
        lease_expire_time=start + 1.25 * HOUR,
        target=Target(gateway=GatewayId("local"), asset=AssetId(SITE, asset)),
        create_time=start,
        life=CommandLife(state=CommandState.VERIFIED, apply_time=start),
    )


async def test_an_asset_that_is_gone_does_not_hold_up_the_others() -> None:
    gone, there = command("gone", "gone"), command("there", "battery")
    archive, counted = FakeCommandArchive(gone, there), FakeObservations()
    meter = FakeEnergyMeter({AssetId(SITE, "battery"): 7.0})
    await effects(archive, meter, counted, T0 + 1.25 * HOUR).look()
    assert archive.metered_w == {CommandId("there"): 7.0}
    assert counted.effects == 1


async def test_only_ranges_that_are_over_and_not_too_old_are_asked_for() -> None:
    old, fresh = command("old", "battery", -30), command("fresh", "battery", 0.5)
    due = command("due", "battery", -5)
    archive = FakeCommandArchive(old, due, fresh)
    meter = FakeEnergyMeter({AssetId(SITE, "battery"): 7.0})
    await effects(archive, meter, FakeObservations(), T0 + 1.25 * HOUR).look()
    assert set(archive.metered_w) == {CommandId("due")}


def effects(
    archive: FakeCommandArchive, meter: FakeEnergyMeter, counted: FakeObservations, now: datetime
) -> MeterEffects:
    return MeterEffects(
        clock=ManualClock(now),
        archive=archive,
        meter=meter,
        observations=counted,
        shards=FakeControl(clock=ManualClock(now)).shards,
        rhythm=EffectRhythm(interval=HOUR / 4, patience=24 * HOUR),
    )
