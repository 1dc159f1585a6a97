"""The planner's side of zones and runs against the usage service that runs, on PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.fakes.usage_world import HOUR, NOW, UsageWorld, usage_world
from wattmesh.type.v1 import rating_pb2, tariff_pb2
from wattmesh.usage.v1 import run_pb2, zone_pb2
from wattmesh.usage.v1 import usage_service_pb2 as pb
from wattmesh_contracts.values import time_range_to_proto, timestamp_to_proto
from wattmesh_kernel.comfort import ZoneMode
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.sites import ComfortBand
from wattmesh_kernel.tariff import ClockRange
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.adapters.wishes import GrpcWishes
from wattmesh_planner.domain.runs import RunNews, RunState

SITE = SiteId("office")
ZONE, WASHER = AssetId(SITE, "zone-1"), AssetId(SITE, "washer")
RUN = f"{WASHER.name}/runs/cotton"
HORIZON = TimeRange.of(NOW, timedelta(hours=24))


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[UsageWorld]:
    async with usage_world(database_url) as world:
        yield world


async def test_what_people_want_of_a_zone_reaches_the_plan(world: UsageWorld) -> None:
    band = rating_pb2.ComfortBand(min_temperature_celsius=20.5, max_temperature_celsius=24)
    window = tariff_pb2.TariffWindow(
        clock_ranges=[tariff_pb2.ClockRange(start_minute=480, end_minute=1080)]
    )
    period = zone_pb2.ZonePeriod(window=window, band=band, mode=zone_pb2.ZONE_MODE_HEATING)
    schedule = zone_pb2.ZoneSchedule(
        name=f"{ZONE.name}/zone-schedules/work", priority=7, periods=[period]
    )
    await world.call("CreateZoneSchedule", pb.CreateZoneScheduleRequest(zone_schedule=schedule))
    away = TimeRange.of(NOW + 2 * HOUR, HOUR)
    holiday = zone_pb2.Occupancy(
        name=f"{ZONE.name}/occupancies/holiday",
        range=time_range_to_proto(away),
        occupancy_ratio=0.0,
    )
    await world.call("CreateOccupancy", pb.CreateOccupancyRequest(occupancy=holiday))

    found = (await GrpcWishes(world.channel, 5.0).wishes(SITE, HORIZON)).zones[ZONE]

    (known,) = found.schedules
    assert (known.priority, known.range) == (7, None)
    assert known.periods[0].mode is ZoneMode.HEATING
    assert known.periods[0].window.clock_ranges == (ClockRange.hours(8, 18),)
    assert known.periods[0].band == ComfortBand(
        min_temperature_celsius=20.5, max_temperature_celsius=24
    )
    assert [(each.range, each.ratio) for each in found.occupancies] == [(away, 0.0)]


async def test_a_run_is_read_promised_and_followed(world: UsageWorld) -> None:
    profile = run_pb2.RunProfile(powers_w=[2000.0, 500.0])
    profile.resolution.FromTimedelta(HOUR / 2)
    run = run_pb2.DeferrableRun(
        name=RUN, latest_end_time=timestamp_to_proto(NOW + 6 * HOUR), profile=profile, priority=3
    )
    await world.call("CreateDeferrableRun", pb.CreateDeferrableRunRequest(deferrable_run=run))
    wishes = GrpcWishes(world.channel, 5.0)

    (asked,) = (await wishes.wishes(SITE, HORIZON)).runs[WASHER]
    assert (asked.state, asked.profile_w) == (RunState.REQUESTED, (2000.0, 500.0))
    assert (asked.profile_resolution, asked.latest_end) == (HOUR / 2, NOW + 6 * HOUR)

    promised = TimeRange.of(NOW + HOUR, HOUR)
    await wishes.tell(RunNews(run=RUN, state="planned", report_time=NOW, planned=promised))
    (planned,) = (await wishes.wishes(SITE, HORIZON)).runs[WASHER]
    assert (planned.state, planned.planned) == (RunState.PLANNED, promised)

    ran = TimeRange.of(NOW + HOUR, HOUR)
    later = NOW + 2 * HOUR
    await wishes.tell(RunNews(run=RUN, state="done", report_time=later, actual=ran, used_wh=1240.0))
    assert WASHER not in (await wishes.wishes(SITE, HORIZON)).runs
    answer = await world.call("GetDeferrableRun", pb.GetDeferrableRunRequest(name=RUN))
    assert answer.deferrable_run.state == run_pb2.RUN_STATE_DONE
    assert answer.deferrable_run.used_energy_wh == 1240.0
