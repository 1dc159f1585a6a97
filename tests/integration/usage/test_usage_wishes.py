"""What people want of zones and of work that can wait is kept, and followed to its end."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.usage_world import HOUR, NOW, UsageWorld, usage_world
from wattmesh.type.v1 import rating_pb2, tariff_pb2
from wattmesh.usage.v1 import run_pb2, zone_pb2
from wattmesh.usage.v1 import usage_service_pb2 as pb
from wattmesh_contracts.values import time_range_to_proto, timestamp_to_proto
from wattmesh_kernel.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from wattmesh_kernel.time import TimeRange
from wattmesh_usage.app.wishes import ExpireRuns

ZONE = "sites/office/assets/zone-1"
WASHER = "sites/office/assets/washer"
RUN = f"{WASHER}/runs/cotton"
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[UsageWorld]:
    async with usage_world(database_url) as world:
        yield world


def workdays(name: str = "work") -> zone_pb2.ZoneSchedule:
    window = tariff_pb2.TariffWindow(
        days=[tariff_pb2.TARIFF_DAY_MONDAY],
        clock_ranges=[tariff_pb2.ClockRange(start_minute=480, end_minute=1080)],
    )
    band = rating_pb2.ComfortBand(min_temperature_celsius=20.5, max_temperature_celsius=24)
    return zone_pb2.ZoneSchedule(
        name=f"{ZONE}/zone-schedules/{name}",
        priority=10,
        periods=[
            zone_pb2.ZonePeriod(window=window, band=band, mode=zone_pb2.ZONE_MODE_HEATING),
            zone_pb2.ZonePeriod(mode=zone_pb2.ZONE_MODE_OFF),
        ],
    )


def washing(**more: Any) -> run_pb2.DeferrableRun:
    fields: dict[str, Any] = {
        "name": RUN,
        "latest_end_time": timestamp_to_proto(NOW + 6 * HOUR),
        "energy": run_pb2.RunEnergy(energy_wh=1000.0),
    }
    return run_pb2.DeferrableRun(**fields | more)


async def created(world: UsageWorld, run: run_pb2.DeferrableRun) -> run_pb2.DeferrableRun:
    answer = await world.call(
        "CreateDeferrableRun", pb.CreateDeferrableRunRequest(deferrable_run=run)
    )
    return answer.deferrable_run  # type: ignore[no-any-return]


async def reported(
    world: UsageWorld,
    state: run_pb2.RunState.ValueType,
    *,
    at: timedelta = timedelta(0),
    planned: tuple[timedelta, timedelta] | None = None,
    used_wh: float | None = None,
) -> run_pb2.DeferrableRun:
    request = pb.ReportDeferrableRunRequest(
        name=RUN, state=state, report_time=timestamp_to_proto(NOW + at), used_energy_wh=used_wh
    )
    if planned is not None:
        span = TimeRange(NOW + planned[0], NOW + planned[1])
        request.planned_range.CopyFrom(time_range_to_proto(span))
    answer = await world.call("ReportDeferrableRun", request)
    return answer.deferrable_run  # type: ignore[no-any-return]


async def test_a_schedule_comes_back_as_it_was_said(world: UsageWorld) -> None:
    said = workdays()
    await world.call("CreateZoneSchedule", pb.CreateZoneScheduleRequest(zone_schedule=said))

    answer = await world.call("GetZoneSchedule", pb.GetZoneScheduleRequest(name=said.name))

    kept = answer.zone_schedule
    assert kept.etag
    kept.etag = ""
    assert kept == said


async def test_schedules_of_a_zone_are_listed_and_one_can_be_changed(world: UsageWorld) -> None:
    for name in ("b", "a"):
        request = pb.CreateZoneScheduleRequest(zone_schedule=workdays(name))
        await world.call("CreateZoneSchedule", request)
    warmer = zone_pb2.ZoneSchedule(name=f"{ZONE}/zone-schedules/a", priority=50)
    await world.call("UpdateZoneSchedule", pb.UpdateZoneScheduleRequest(zone_schedule=warmer))

    found = await world.call("ListZoneSchedules", pb.ListZoneSchedulesRequest(parent=ZONE))

    assert [(each.name[-1], each.priority) for each in found.zone_schedules] == [
        ("a", 50),
        ("b", 10),
    ]
    assert len(found.zone_schedules[0].periods) == 2


async def test_a_band_upside_down_is_refused(world: UsageWorld) -> None:
    wrong = workdays()
    wrong.periods[0].band.max_temperature_celsius = 10.0
    with pytest.raises(InvalidArgument):
        await world.call("CreateZoneSchedule", pb.CreateZoneScheduleRequest(zone_schedule=wrong))


async def test_a_booking_is_found_by_its_time_with_when_it_became_known(world: UsageWorld) -> None:
    span = TimeRange(NOW + HOUR, NOW + 3 * HOUR)
    booking = zone_pb2.Occupancy(
        name=f"{ZONE}/occupancies/party",
        range=time_range_to_proto(span),
        occupancy_ratio=1.0,
        source="calendar",
    )
    await world.call("CreateOccupancy", pb.CreateOccupancyRequest(occupancy=booking))

    def listed(hours: int) -> pb.ListOccupanciesRequest:
        span = TimeRange.of(NOW + hours * HOUR, HOUR)
        return pb.ListOccupanciesRequest(parent=ZONE, range=time_range_to_proto(span))

    found = await world.call("ListOccupancies", listed(2))
    assert [each.source for each in found.occupancies] == ["calendar"]
    assert found.occupancies[0].create_time == timestamp_to_proto(NOW)
    assert not (await world.call("ListOccupancies", listed(5))).occupancies


async def test_a_deleted_occupancy_is_gone(world: UsageWorld) -> None:
    name = f"{ZONE}/occupancies/none"
    with pytest.raises(NotFound, match="no"):
        await world.call("DeleteOccupancy", pb.DeleteOccupancyRequest(name=name))


async def test_a_run_is_followed_from_the_request_to_its_end(world: UsageWorld) -> None:
    assert (await created(world, washing())).state == run_pb2.RUN_STATE_REQUESTED
    planned = await reported(world, run_pb2.RUN_STATE_PLANNED, planned=(2 * HOUR, 3 * HOUR))
    assert planned.state == run_pb2.RUN_STATE_PLANNED
    runs = await reported(world, run_pb2.RUN_STATE_RUNNING, at=2 * HOUR, used_wh=300.0)
    assert (runs.state, runs.used_energy_wh) == (run_pb2.RUN_STATE_RUNNING, 300.0)
    done = await reported(world, run_pb2.RUN_STATE_RUNNING, at=3 * HOUR, used_wh=990.0)
    assert done.state == run_pb2.RUN_STATE_DONE


async def test_a_promised_end_is_brought_forward_and_never_put_back(world: UsageWorld) -> None:
    await created(world, washing())
    await reported(world, run_pb2.RUN_STATE_PLANNED, planned=(2 * HOUR, 3 * HOUR))
    later = await reported(world, run_pb2.RUN_STATE_PLANNED, planned=(4 * HOUR, 5 * HOUR))
    assert later.planned_range.end_time == timestamp_to_proto(NOW + 3 * HOUR)
    earlier = await reported(world, run_pb2.RUN_STATE_PLANNED, planned=(HOUR, 2 * HOUR))
    assert earlier.planned_range.end_time == timestamp_to_proto(NOW + 2 * HOUR)


async def test_an_old_report_changes_nothing(world: UsageWorld) -> None:
    await created(world, washing())
    await reported(world, run_pb2.RUN_STATE_RUNNING, at=HOUR, used_wh=500.0)
    after = await reported(world, run_pb2.RUN_STATE_PLANNED, used_wh=0.0)
    assert (after.state, after.used_energy_wh) == (run_pb2.RUN_STATE_RUNNING, 500.0)


async def test_what_has_begun_is_neither_changed_nor_withdrawn(world: UsageWorld) -> None:
    profile = run_pb2.RunProfile(powers_w=[2000.0, 500.0])
    profile.resolution.FromTimedelta(30 * MINUTE)
    run = washing()
    run.profile.CopyFrom(profile)
    await created(world, run)
    await reported(world, run_pb2.RUN_STATE_RUNNING)
    with pytest.raises(FailedPrecondition, match="has begun"):
        await world.call("DeleteDeferrableRun", pb.DeleteDeferrableRunRequest(name=RUN))
    changed = run_pb2.DeferrableRun(name=RUN, priority=3)
    request = pb.UpdateDeferrableRunRequest(deferrable_run=changed)
    with pytest.raises(FailedPrecondition, match="has begun"):
        await world.call("UpdateDeferrableRun", request)


async def test_a_withdrawn_run_stays_as_cancelled_and_takes_no_report(world: UsageWorld) -> None:
    await created(world, washing())
    await world.call("DeleteDeferrableRun", pb.DeleteDeferrableRunRequest(name=RUN))
    answer = await world.call("GetDeferrableRun", pb.GetDeferrableRunRequest(name=RUN))
    assert answer.deferrable_run.state == run_pb2.RUN_STATE_CANCELLED
    with pytest.raises(FailedPrecondition, match="cancelled"):
        await reported(world, run_pb2.RUN_STATE_RUNNING)


async def test_a_run_whose_window_has_ended_is_missed_and_says_why(world: UsageWorld) -> None:
    await created(world, washing())
    await reported(world, run_pb2.RUN_STATE_PLANNED, planned=(2 * HOUR, 3 * HOUR))
    world.clock.advance(7 * HOUR)
    await ExpireRuns(world.records, world.clock)()
    answer = await world.call("GetDeferrableRun", pb.GetDeferrableRunRequest(name=RUN))
    assert answer.deferrable_run.state == run_pb2.RUN_STATE_MISSED
    assert "promised" in answer.deferrable_run.message


async def test_a_window_shorter_than_the_run_is_refused(world: UsageWorld) -> None:
    profile = run_pb2.RunProfile(powers_w=[2000.0] * 10)
    profile.resolution.FromTimedelta(HOUR)
    run = washing(earliest_start_time=timestamp_to_proto(NOW))
    run.profile.CopyFrom(profile)
    with pytest.raises(InvalidArgument, match="length"):
        await created(world, run)


async def test_a_second_run_of_the_same_name_is_refused(world: UsageWorld) -> None:
    await created(world, washing())
    with pytest.raises(AlreadyExists):
        await created(world, washing(priority=2))
