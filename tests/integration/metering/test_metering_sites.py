"""The site model through a real server and a real database."""

from collections.abc import Awaitable
from typing import Any

import grpc
import pytest

from tests.fakes.metering_world import (
    NOON,
    batch,
    home_assets,
    home_device,
    metering_world,
    point,
)
from wattmesh.site.v1 import asset_pb2, site_pb2, site_service_pb2
from wattmesh.type.v1 import rating_pb2

HOME = "sites/home-1"
SITE = site_pb2.Site(name=HOME, time_zone="Europe/Berlin", currency_code="EUR")


async def _fails(call: Awaitable[Any], code: grpc.StatusCode, reason: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert caught.value.code() is code
    assert reason in str(caught.value.trailing_metadata())


def _plain(resource: Any) -> Any:
    """A resource without its etag, which there must be."""
    assert resource.etag
    plain = type(resource)()
    plain.CopyFrom(resource)
    plain.etag = ""
    return plain


async def test_a_repeated_create_returns_the_first_answer(database_url: str) -> None:
    async with metering_world(database_url) as world:
        create = world.sites.CreateSite
        first = await create(site_service_pb2.CreateSiteRequest(site=SITE, request_id="r1"))
        renamed = site_pb2.Site(name=HOME, time_zone="UTC", currency_code="EUR")
        await world.sites.UpdateSite(site_service_pb2.UpdateSiteRequest(site=renamed))
        assert await create(site_service_pb2.CreateSiteRequest(site=SITE, request_id="r1")) == first
        found = await world.sites.GetSite(site_service_pb2.GetSiteRequest(name=HOME))
        assert _plain(found.site) == renamed
        for request_id in ("r2", ""):
            again = site_service_pb2.CreateSiteRequest(site=SITE, request_id=request_id)
            await _fails(create(again), grpc.StatusCode.ALREADY_EXISTS, "SITE_EXISTS")
        long = site_service_pb2.CreateSiteRequest(site=SITE, request_id="r" * 129)
        await _fails(create(long), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST_ID")
        other = site_service_pb2.CreateSiteRequest(site=renamed, request_id="r1")
        await _fails(create(other), grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_TAKEN")


async def test_an_update_creates_only_when_allowed(database_url: str) -> None:
    async with metering_world(database_url) as world:
        update = world.sites.UpdateSite
        call = update(site_service_pb2.UpdateSiteRequest(site=SITE))
        await _fails(call, grpc.StatusCode.NOT_FOUND, "SITE_NOT_FOUND")
        for _ in range(2):
            await update(site_service_pb2.UpdateSiteRequest(site=SITE, allow_missing=True))
        found = await world.sites.GetSite(site_service_pb2.GetSiteRequest(name=HOME))
        assert _plain(found.site) == SITE


async def test_everything_of_a_home_comes_back_as_it_was_sent(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        assets = await world.sites.ListAssets(site_service_pb2.ListAssetsRequest(parent=HOME))
        devices = await world.sites.ListDevices(
            site_service_pb2.ListDevicesRequest(parent="sites/-")
        )
    expected = sorted(home_assets(HOME), key=lambda asset: asset.name)
    for sent, stored in zip(expected, assets.assets, strict=True):
        assert _plain(stored) == sent
    assert [device.name.rsplit("/", 1)[1] for device in devices.devices] == [
        "battery",
        "inverter",
        "meter",
    ]
    for device in devices.devices:
        assert _plain(device) == home_device(HOME, device.name.rsplit("/", 1)[1])


async def test_lists_come_in_pages_by_name(database_url: str) -> None:
    async with metering_world(database_url) as world:
        names = [f"sites/home-{n}" for n in (2, 10, 1, 7, 3)]
        for name in names:
            site = site_pb2.Site(name=name, time_zone="UTC", currency_code="EUR")
            await world.sites.CreateSite(site_service_pb2.CreateSiteRequest(site=site))
        pages: list[list[str]] = []
        token = ""
        while not pages or token:
            request = site_service_pb2.ListSitesRequest(page_size=2, page_token=token)
            page = await world.sites.ListSites(request)
            pages.append([site.name for site in page.sites])
            token = page.next_page_token
        assert pages == [sorted(names)[:2], sorted(names)[2:4], sorted(names)[4:]]
        everything = await world.sites.ListSites(site_service_pb2.ListSitesRequest(page_size=5000))
        assert [site.name for site in everything.sites] == sorted(names)
        assert everything.next_page_token == ""

        token = (
            await world.sites.ListSites(site_service_pb2.ListSitesRequest(page_size=1))
        ).next_page_token
        for request in (
            site_service_pb2.ListSitesRequest(page_token="nonsense"),
            site_service_pb2.ListSitesRequest(page_token="bm9uc2Vuc2U="),
            site_service_pb2.ListSitesRequest(parent="groups/other", page_token=token),
        ):
            call = world.sites.ListSites(request)
            await _fails(call, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN")
        call = world.sites.ListSites(site_service_pb2.ListSitesRequest(page_size=-1))
        await _fails(call, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_SIZE")


async def test_devices_are_listed_by_site_and_by_gateway(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home(HOME)
        await world.add_home("sites/home-2")
        moved = home_device("sites/home-2", "battery")
        moved.gateway = "gateways/other"
        await world.sites.UpdateDevice(site_service_pb2.UpdateDeviceRequest(device=moved))

        async def names(parent: str, gateway: str = "") -> list[str]:
            request = site_service_pb2.ListDevicesRequest(parent=parent, gateway=gateway)
            return [device.name for device in (await world.sites.ListDevices(request)).devices]

        assert len(await names("sites/-")) == 6
        assert len(await names("sites/home-2", "gateways/local")) == 2
        assert await names("sites/-", "gateways/other") == [moved.name]
        call = world.sites.ListDevices(site_service_pb2.ListDevicesRequest(parent="home-2"))
        await _fails(call, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_NAME")


async def test_a_site_is_in_one_group_at_most(database_url: str) -> None:
    async with metering_world(database_url) as world:
        for number in (1, 2, 3):
            site = site_pb2.Site(name=f"sites/s{number}", time_zone="UTC", currency_code="EUR")
            await world.sites.CreateSite(site_service_pb2.CreateSiteRequest(site=site))
        group = site_pb2.SiteGroup(
            name="groups/a", sites=["sites/s2", "sites/s1"], peak_price_per_kw=3
        )
        create = world.sites.CreateSiteGroup
        await create(site_service_pb2.CreateSiteGroupRequest(site_group=group, request_id="g"))
        await create(site_service_pb2.CreateSiteGroupRequest(site_group=group, request_id="g"))
        other = site_pb2.SiteGroup(name="groups/b", sites=["sites/s3", "sites/s1"])
        call = create(site_service_pb2.CreateSiteGroupRequest(site_group=other))
        await _fails(call, grpc.StatusCode.FAILED_PRECONDITION, "SITE_IN_OTHER_GROUP")
        listed = await world.sites.ListSiteGroups(site_service_pb2.ListSiteGroupsRequest())
        assert list(map(_plain, listed.site_groups)) == [group]
        members = await world.sites.ListSites(site_service_pb2.ListSitesRequest(parent="groups/a"))
        assert [site.name for site in members.sites] == ["sites/s1", "sites/s2"]

        del group.sites[1]
        await world.sites.UpdateSiteGroup(site_service_pb2.UpdateSiteGroupRequest(site_group=group))
        await create(site_service_pb2.CreateSiteGroupRequest(site_group=other))
        unknown = site_pb2.SiteGroup(name="groups/c", sites=["sites/s9"])
        call = create(site_service_pb2.CreateSiteGroupRequest(site_group=unknown))
        await _fails(call, grpc.StatusCode.NOT_FOUND, "SITE_NOT_FOUND")


async def test_what_refers_to_nothing_is_refused(database_url: str) -> None:
    async with metering_world(database_url) as world:
        load = asset_pb2.Asset(name=f"{HOME}/assets/load", load=rating_pb2.LoadRating(derived=True))
        call: Awaitable[Any] = world.sites.CreateAsset(
            site_service_pb2.CreateAssetRequest(asset=load)
        )
        await _fails(call, grpc.StatusCode.NOT_FOUND, "SITE_NOT_FOUND")
        device = home_device(HOME, "meter")
        call = world.sites.CreateDevice(site_service_pb2.CreateDeviceRequest(device=device))
        await _fails(call, grpc.StatusCode.NOT_FOUND, "SITE_NOT_FOUND")
        await world.sites.CreateSite(site_service_pb2.CreateSiteRequest(site=SITE))
        call = world.sites.CreateDevice(site_service_pb2.CreateDeviceRequest(device=device))
        await _fails(call, grpc.StatusCode.NOT_FOUND, "ASSET_NOT_FOUND")
        poor = site_pb2.Site()
        poor.CopyFrom(SITE)
        poor.name, poor.tariff = "sites/home-2", "tariffs/none"
        call = world.sites.CreateSite(site_service_pb2.CreateSiteRequest(site=poor))
        await _fails(call, grpc.StatusCode.NOT_FOUND, "TARIFF_NOT_FOUND")


async def test_a_balance_leaves_one_rest(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        second = asset_pb2.Asset(
            name=f"{HOME}/assets/rest", load=rating_pb2.LoadRating(derived=True)
        )
        call = world.sites.CreateAsset(site_service_pb2.CreateAssetRequest(asset=second))
        await _fails(call, grpc.StatusCode.FAILED_PRECONDITION, "DERIVED_LOAD_TAKEN")
        second.load.derived = False
        await world.sites.CreateAsset(site_service_pb2.CreateAssetRequest(asset=second))


async def test_a_point_with_readings_stays_and_others_come_and_go(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        power, energy = point("meter", "active_power_w"), point("meter", "import_energy_wh")
        await world.send(batch(1, [(power, NOON, 1.0)]))
        update = world.sites.UpdateDevice
        call = update(
            site_service_pb2.UpdateDeviceRequest(
                device=home_device(HOME, "meter", ["import_energy_wh"])
            )
        )
        await _fails(call, grpc.StatusCode.FAILED_PRECONDITION, "POINT_HAS_READINGS")
        fewer = home_device(HOME, "meter", ["active_power_w", "voltage_v"])
        await update(site_service_pb2.UpdateDeviceRequest(device=fewer))
    async with metering_world(database_url) as world:
        (answer,) = await world.send(batch(2, [(energy, NOON, 1.0)]))
        assert len(answer.rejected) == 1
        whole = home_device(HOME, "meter")
        whole.points.add(name=point("meter", "voltage_v"))
        await world.sites.UpdateDevice(site_service_pb2.UpdateDeviceRequest(device=whole))
        (answer,) = await world.send(batch(2, [(energy, NOON, 1.0)]))
        assert answer.stored == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"time_zone": "Mars/Olympus"}, "UNKNOWN_TIME_ZONE"),
        ({"time_zone": ""}, "UNKNOWN_TIME_ZONE"),
        ({"currency_code": "euro"}, "INVALID_CURRENCY"),
        ({"latitude_degrees": 91.0}, "INVALID_VALUE"),
        ({"name": "sites/UPPER"}, "INVALID_ID"),
        ({"tariff": "groups/a"}, "INVALID_NAME"),
    ],
)
async def test_a_site_that_makes_no_sense_is_refused(
    database_url: str, change: dict[str, Any], reason: str
) -> None:
    site = site_pb2.Site(name=HOME, time_zone="UTC", currency_code="EUR")
    for field, value in change.items():
        setattr(site, field, value)
    async with metering_world(database_url) as world:
        call = world.sites.CreateSite(site_service_pb2.CreateSiteRequest(site=site))
        await _fails(call, grpc.StatusCode.INVALID_ARGUMENT, reason)
