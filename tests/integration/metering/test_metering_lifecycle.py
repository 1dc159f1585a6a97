"""Updates, deletes and what they leave behind, through a real server and a real database."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import grpc
import pytest

from tests.fakes.metering_world import (
    HOUR,
    NOON,
    QUARTER,
    MeteringWorld,
    batch,
    energy_request,
    home_device,
    metering_world,
    point,
    samples,
    some_device,
)
from wattmesh.metering.v1 import metering_pb2
from wattmesh.site.v1 import asset_pb2, device_pb2, site_pb2
from wattmesh.site.v1 import site_service_pb2 as pb
from wattmesh.type.v1 import electrical_pb2, rating_pb2, tariff_pb2
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_kernel.time import TimeRange

HOME = "sites/home-1"
BATTERY = f"{HOME}/assets/battery"
MAIN = device_pb2.METER_ROLE_MAIN
IMPORT = "import_energy_wh"


async def _fails(call: Awaitable[Any], code: grpc.StatusCode, reason: str, word: str = "") -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert caught.value.code() is code
    assert reason in str(caught.value.trailing_metadata())
    assert word in (caught.value.details() or "")


async def _imported(world: MeteringWorld, asset: str, span: TimeRange) -> list[float]:
    answer = await world.metering.QueryEnergy(energy_request(asset, span=span))
    return list(answer.energies[0].import_energy_wh.values)


async def _latest(world: MeteringWorld, *points: str) -> list[tuple[str, float]]:
    answer = await world.metering.GetLatestReadings(
        metering_pb2.GetLatestReadingsRequest(points=points)
    )
    return [(reading.point, reading.value) for reading in answer.readings]


async def test_an_update_changes_what_it_names_and_nothing_else(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        update = world.sites.UpdateSite
        panel = electrical_pb2.Node(id="panel", max_import_power_w=5000)
        await update(pb.UpdateSiteRequest(site=site_pb2.Site(name=HOME, nodes=[panel])))
        renamed = (
            await update(pb.UpdateSiteRequest(site=site_pb2.Site(name=HOME, display_name="Home")))
        ).site
        assert (renamed.display_name, renamed.currency_code) == ("Home", "USD")
        assert list(renamed.nodes) == [panel]
        request = pb.UpdateSiteRequest(site=site_pb2.Site(name=HOME))
        request.update_mask.paths.append("display_name")
        cleared = (await update(request)).site
        assert (cleared.display_name, list(cleared.nodes)) == ("", [panel])
        request.update_mask.paths[:] = ["colour"]
        await _fails(update(request), grpc.StatusCode.INVALID_ARGUMENT, "UNKNOWN_FIELD", "colour")


async def test_a_change_of_what_has_changed_since_is_refused(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        read = (await world.sites.GetAsset(pb.GetAssetRequest(name=BATTERY))).asset
        given = asset_pb2.Asset(name=BATTERY, etag=read.etag, display_name="Cellar")
        update = world.sites.UpdateAsset
        stored = (await update(pb.UpdateAssetRequest(asset=given))).asset
        assert stored.etag != read.etag
        call: Awaitable[Any] = update(pb.UpdateAssetRequest(asset=given))
        await _fails(call, grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
        call = world.sites.DeleteAsset(pb.DeleteAssetRequest(name=BATTERY, etag=read.etag))
        await _fails(call, grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
        tariff = tariff_pb2.Tariff(name="tariffs/t", currency_code="EUR")
        created = await world.sites.CreateTariff(pb.CreateTariffRequest(tariff=tariff))
        assert created.tariff.etag
        tariff.etag = "other"
        call = world.sites.UpdateTariff(pb.UpdateTariffRequest(tariff=tariff))
        await _fails(call, grpc.StatusCode.ABORTED, "ETAG_MISMATCH")


async def test_an_asset_never_becomes_another_kind(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        other = asset_pb2.Asset(name=BATTERY, load=rating_pb2.LoadRating())
        call = world.sites.UpdateAsset(pb.UpdateAssetRequest(asset=other))
        await _fails(call, grpc.StatusCode.FAILED_PRECONDITION, "ASSET_KIND_FIXED")


async def test_a_second_controller_or_main_meter_is_refused(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        for function, reason in (
            (device_pb2.DeviceFunction(asset=BATTERY, controls=True), "CONTROLLER_TAKEN"),
            (device_pb2.DeviceFunction(asset=BATTERY, meter_role=MAIN), "MAIN_METER_TAKEN"),
        ):
            device = some_device(f"{HOME}/devices/second", [IMPORT], function)
            call = world.sites.CreateDevice(pb.CreateDeviceRequest(device=device))
            await _fails(call, grpc.StatusCode.FAILED_PRECONDITION, reason, "devices/battery")
        device.functions[0].meter_role = device_pb2.METER_ROLE_CHECK
        await world.sites.CreateDevice(pb.CreateDeviceRequest(device=device))


async def test_a_deleted_device_keeps_its_past_and_gives_way(database_url: str) -> None:
    span = TimeRange(NOON - 4 * HOUR, NOON)
    async with metering_world(database_url) as world:
        await world.add_home()
        energy, soc = point("battery", IMPORT), point("battery", "soc_ratio")
        rows = samples(energy, span.start, QUARTER, [25.0 * n for n in range(17)])
        await world.send(batch(1, [*rows, (soc, NOON, 0.5)]))
        name = f"{HOME}/devices/battery"
        await world.sites.DeleteDevice(pb.DeleteDeviceRequest(name=name))
        call = world.sites.GetDevice(pb.GetDeviceRequest(name=name))
        await _fails(call, grpc.StatusCode.NOT_FOUND, "DEVICE_NOT_FOUND")
        listed = await world.sites.ListDevices(pb.ListDevicesRequest(parent=HOME))
        assert name not in [device.name for device in listed.devices]

        assert await _imported(world, BATTERY, span) == [100] * 4
        assert await _latest(world, soc, f"{name}/points/-") == [(soc, 0.5), (energy, 400)]
        assert await _latest(world, f"{HOME}/devices/-/points/-") == []
        world.clock.set(NOON + HOUR)
        await world.send(batch(2, [(energy, NOON + HOUR, 500.0)]))  # it still lay in a spool

        new = home_device(HOME, "battery")
        new.name = f"{HOME}/devices/battery-2"
        for each in new.points:
            each.name = each.name.replace("devices/battery/", "devices/battery-2/")
        await world.sites.CreateDevice(pb.CreateDeviceRequest(device=new))
        assert await _imported(world, BATTERY, span) == [100] * 4


async def test_a_deleted_device_can_come_again_and_has_its_past_again(database_url: str) -> None:
    span = TimeRange(NOON - 2 * HOUR, NOON)
    async with metering_world(database_url) as world:
        await world.add_home()
        energy = point("battery", IMPORT)
        await world.send(batch(1, samples(energy, span.start, HOUR, [0, 7, 14])))
        device = home_device(HOME, "battery")
        request = pb.CreateDeviceRequest(device=device)
        await _fails(
            world.sites.CreateDevice(request), grpc.StatusCode.ALREADY_EXISTS, "DEVICE_EXISTS"
        )
        for _ in range(2):
            await world.sites.DeleteDevice(
                pb.DeleteDeviceRequest(name=device.name, allow_missing=True)
            )
        await world.sites.CreateDevice(request)
        assert await _imported(world, BATTERY, span) == [7, 7]
        await world.send(batch(2, [(energy, NOON + timedelta(minutes=1), 15)]))
        assert await _latest(world, energy) == [(energy, 15)]


async def test_what_others_refer_to_is_not_deleted(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        sites = world.sites
        tariff = tariff_pb2.Tariff(name="tariffs/t", currency_code="USD")
        await sites.CreateTariff(pb.CreateTariffRequest(tariff=tariff))
        await sites.UpdateSite(
            pb.UpdateSiteRequest(site=site_pb2.Site(name=HOME, tariff=tariff.name))
        )
        group = site_pb2.SiteGroup(name="groups/g", sites=[HOME])
        await sites.CreateSiteGroup(pb.CreateSiteGroupRequest(site_group=group))
        calls: list[tuple[Awaitable[Any], str]] = [
            (sites.DeleteTariff(pb.DeleteTariffRequest(name=tariff.name)), HOME),
            (sites.DeleteSite(pb.DeleteSiteRequest(name=HOME)), "groups/g"),
            (
                sites.DeleteAsset(pb.DeleteAssetRequest(name=BATTERY)),
                f"{HOME}/devices/battery",
            ),
        ]
        for call, who in calls:
            await _fails(call, grpc.StatusCode.FAILED_PRECONDITION, "STILL_REFERRED_TO", who)
        await sites.DeleteSiteGroup(pb.DeleteSiteGroupRequest(name="groups/g"))
        for name in ("battery", "inverter", "meter"):
            await sites.DeleteDevice(pb.DeleteDeviceRequest(name=f"{HOME}/devices/{name}"))
        for name in ("battery", "grid", "load", "pv"):
            await sites.DeleteAsset(pb.DeleteAssetRequest(name=f"{HOME}/assets/{name}"))
        await sites.DeleteSite(pb.DeleteSiteRequest(name=HOME))
        await sites.DeleteTariff(pb.DeleteTariffRequest(name=tariff.name))
        missing = pb.DeleteSiteRequest(name=HOME)
        await _fails(sites.DeleteSite(missing), grpc.StatusCode.NOT_FOUND, "SITE_NOT_FOUND")
        await world.add_home()


async def test_an_asset_goes_when_its_device_works_for_it_no_longer(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        device = home_device(HOME, "battery")
        device.functions[0].end_time.CopyFrom(timestamp_to_proto(NOON))
        await world.sites.UpdateDevice(pb.UpdateDeviceRequest(device=device))
        await world.sites.DeleteAsset(pb.DeleteAssetRequest(name=BATTERY))


@pytest.mark.time_limit(120)
async def test_a_deletion_and_a_reference_at_the_same_time_never_both_succeed(
    database_url: str,
) -> None:
    async with metering_world(database_url) as one, metering_world(database_url) as other:
        await one.add_home()
        for turn in range(8):
            asset = asset_pb2.Asset(name=f"{HOME}/assets/load-{turn}", load=rating_pb2.LoadRating())
            await one.sites.CreateAsset(pb.CreateAssetRequest(asset=asset))
            function = device_pb2.DeviceFunction(asset=asset.name, meter_role=MAIN)
            device = some_device(f"{HOME}/devices/meter-{turn}", [IMPORT], function)
            calls: list[Any] = [
                one.sites.DeleteAsset(pb.DeleteAssetRequest(name=asset.name)),
                other.sites.CreateDevice(pb.CreateDeviceRequest(device=device)),
            ]
            done = await asyncio.gather(*calls, return_exceptions=True)
            assert sum(isinstance(each, grpc.aio.AioRpcError) for each in done) == 1


async def test_only_one_of_two_controllers_at_the_same_time_is_created(database_url: str) -> None:
    async with metering_world(database_url) as one, metering_world(database_url) as other:
        await one.add_home()
        pv = f"{HOME}/assets/pv"
        calls: list[Any] = []
        for number, world in enumerate((one, other) * 4):
            function = device_pb2.DeviceFunction(asset=pv, controls=True)
            device = some_device(f"{HOME}/devices/c-{number}", [IMPORT], function)
            calls.append(world.sites.CreateDevice(pb.CreateDeviceRequest(device=device)))
        done = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(isinstance(each, grpc.aio.AioRpcError) for each in done) == len(calls) - 1


async def test_quantities_are_a_catalogue(database_url: str) -> None:
    async with metering_world(database_url) as world:
        found: list[metering_pb2.Quantity] = []
        token = ""
        while not found or token:
            request = metering_pb2.ListQuantitiesRequest(page_size=5, page_token=token)
            page = await world.metering.ListQuantities(request)
            found += page.quantities
            token = page.next_page_token
        names = [quantity.name for quantity in found]
        assert names == sorted(names)
        by_name = {quantity.name: quantity for quantity in found}
        soc = by_name["quantities/soc_ratio"]
        assert (soc.unit, soc.min_value, soc.max_value) == ("1", 0, 1)
        energy = by_name["quantities/import_energy_wh"]
        assert energy.kind == metering_pb2.QUANTITY_KIND_REGISTER
        assert (energy.min_value, energy.max_value) == (0, 1e15)
