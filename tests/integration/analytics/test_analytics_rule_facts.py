"""What counterfactuals ask of usage and demand response, as these answer on PostgreSQL."""

import contextlib
from datetime import timedelta
from decimal import Decimal

from tests.fakes import demandresponse_world as events
from tests.fakes.usage_world import ASSET, HOUR, NOW, usage_world, vehicle
from wattmesh.type.v1 import rating_pb2
from wattmesh.usage.v1 import run_pb2, usage_service_pb2, zone_pb2
from wattmesh_analytics.adapters.payments import GrpcPayments
from wattmesh_analytics.adapters.usage import GrpcUsage
from wattmesh_analytics.domain.charge_at_once import Stay
from wattmesh_analytics.domain.work import PastRun
from wattmesh_contracts.values import time_range_to_proto, timestamp_to_proto
from wattmesh_kernel.ids import AssetId, GroupId, SiteId
from wattmesh_kernel.sites import Asset, ComfortBand, DeferrableRating, EvChargerRating, SiteGroup
from wattmesh_kernel.time import TimeRange

OFFICE = SiteId("office")
CHARGER = Asset(id=AssetId.parse(ASSET), rating=EvChargerRating(max_current_a=32))
DAY = timedelta(days=1)


async def test_who_was_there_and_what_was_wanted_reaches_the_counterfactual(
    database_url: str,
) -> None:
    """A vehicle of 7.4 kW takes 7.4 at a point of 22 kW, and who left the day before is gone."""
    async with usage_world(database_url) as world:
        await world.call("CreateVehicle", vehicle(max_charge_power_w=7_400, tokens=["card"]))
        await world.report(f"{ASSET}/charging-sessions/s0", arrival=-30, departure=-28, at=-28)
        await world.report(arrival=1, departure=3, at=3, token="card")
        await world.report(f"{ASSET}/charging-sessions/s2", arrival=5, at=5, max_current_a=10)
        band = rating_pb2.ComfortBand(min_temperature_celsius=19, max_temperature_celsius=23)
        schedule = zone_pb2.ZoneSchedule(
            name="sites/office/assets/zone/zone-schedules/work",
            periods=[zone_pb2.ZonePeriod(band=band)],
        )
        request = usage_service_pb2.CreateZoneScheduleRequest(zone_schedule=schedule)
        await world.call("CreateZoneSchedule", request)
        usage, span = GrpcUsage(world.channel), TimeRange.of(NOW, DAY)
        stays = await usage.stays([CHARGER], span)
        wishes = await usage.wishes(OFFICE, span)

    assert sorted(stays[CHARGER.id], key=lambda each: each.arrival) == [
        Stay(arrival=NOW + HOUR, departure=NOW + 3 * HOUR, max_power_w=7_400),
        Stay(arrival=NOW + 5 * HOUR, departure=None, max_power_w=10 * 230 * 3),
    ]
    (known,) = wishes[AssetId(OFFICE, "zone")].schedules
    assert known.periods[0].band == ComfortBand(
        min_temperature_celsius=19, max_temperature_celsius=23
    )


async def test_runs_that_ran_reach_the_scenario_with_when_they_might_have(
    database_url: str,
) -> None:
    machine = Asset(id=AssetId(OFFICE, "washer"), rating=DeferrableRating(max_power_w=2_000))
    ran = TimeRange.of(NOW + 2 * HOUR, HOUR)
    async with usage_world(database_url) as world:
        for name in ("ran", "waits"):
            run = run_pb2.DeferrableRun(
                name=f"{machine.id.name}/runs/{name}",
                earliest_start_time=timestamp_to_proto(NOW + HOUR),
                latest_end_time=timestamp_to_proto(NOW + 6 * HOUR),
                energy=run_pb2.RunEnergy(energy_wh=1_000.0),
            )
            request = usage_service_pb2.CreateDeferrableRunRequest(deferrable_run=run)
            await world.call("CreateDeferrableRun", request)
        report = usage_service_pb2.ReportDeferrableRunRequest(
            name=f"{machine.id.name}/runs/ran",
            state=run_pb2.RUN_STATE_DONE,
            actual_range=time_range_to_proto(ran),
            report_time=timestamp_to_proto(NOW + 3 * HOUR),
        )
        await world.call("ReportDeferrableRun", report)
        runs = await GrpcUsage(world.channel).runs([machine], TimeRange.of(NOW, DAY))
    assert runs == {machine.id: [PastRun(ran=ran, earliest=NOW + HOUR, latest_end=NOW + 6 * HOUR)]}


async def test_what_a_group_was_paid_is_shared_among_its_sites_to_the_cent(
    database_url: str,
) -> None:
    sites = [SiteId.parse(each) for each in events.GROUP_SITES]
    street = SiteGroup(id=GroupId.parse(events.GROUP), sites=tuple(sites))
    async with events.demandresponse_world(database_url) as world:
        await world.programme()
        await world.enrol(subject=events.GROUP)
        await world.create()
        await world.at(events.EVENING + 3 * events.HOUR)
        payments, day = GrpcPayments(world.channel), TimeRange.of(events.NOW, DAY)
        shares = [await payments.paid(each, day, street) for each in sites]
        alone = await payments.paid(sites[0], day)
        settled = (await world.part()).settlement.payment

    (first,), (second,) = shares
    assert str((first + second).amount) == settled.amount
    assert abs(first.amount - second.amount) <= Decimal("0.01")
    assert list(alone) == [], "of a group that it is not in a site has nothing"


async def test_what_an_event_paid_counts_in_the_time_in_which_it_ended(database_url: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        world = await stack.enter_async_context(events.demandresponse_world(database_url))
        await world.programme()
        await world.enrol()
        await world.create()
        await world.at(events.EVENING + 3 * events.HOUR)
        payments, site = GrpcPayments(world.channel), SiteId.parse(events.HOME)
        day = TimeRange.of(events.NOW, DAY)
        (paid,) = await payments.paid(site, day)
        before = await payments.paid(site, TimeRange.of(events.NOW - DAY, DAY))
        nobody = await payments.paid(SiteId("home-2"), day)
        settled = (await world.part()).settlement.payment

    assert (str(paid.amount), paid.currency_code) == (settled.amount, settled.currency_code)
    assert (list(before), list(nobody)) == ([], [])
