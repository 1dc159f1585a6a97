"""However much somebody says of one resource, everybody can list and follow all of them."""

from typing import Any

import grpc
import pytest

from tests.fakes.metering_world import MeteringWorld, metering_world
from wattmesh.site.v1 import site_pb2, site_service_pb2
from wattmesh_metering.domain.paging import LARGEST_PART_BYTES
from wattmesh_metering.domain.records import LARGEST_BODY_BYTES

_NEWER = bytes([0xC2, 0x3E])
"""Field 1000, of a length: what a newer version may know, and is kept unharmed."""
NAMES = [f"sites/home-{number}" for number in range(10)]


def large_site(name: str, further_bytes: int) -> site_pb2.Site:
    """Return a site of which so much is said that nobody here knows."""
    site = site_pb2.Site(name=name, time_zone="UTC", currency_code="EUR")
    length, count = bytearray(), further_bytes
    while count >= 0x80:
        length.append(count & 0x7F | 0x80)
        count >>= 7
    length.append(count)
    site.MergeFromString(_NEWER + bytes(length) + b"x" * further_bytes)
    return site


async def create(world: MeteringWorld, site: site_pb2.Site) -> None:
    await world.sites.CreateSite(site_service_pb2.CreateSiteRequest(site=site))


async def test_many_large_resources_are_listed_and_followed_in_parts(database_url: str) -> None:
    async with metering_world(database_url) as world:
        for name in NAMES:
            await create(world, large_site(name, LARGEST_BODY_BYTES - 1_000))
        listed: list[str] = []
        token, pages = "", 0
        while pages == 0 or token:
            request = site_service_pb2.ListSitesRequest(page_token=token)
            page = await world.sites.ListSites(request)
            assert page.ByteSize() <= LARGEST_PART_BYTES + 10_000
            listed += [site.name for site in page.sites]
            token, pages = page.next_page_token, pages + 1
        assert (listed, pages) == (NAMES, 2)
        followed: list[str] = []
        watching: Any = world.sites.WatchSiteModel(site_service_pb2.WatchSiteModelRequest())
        async for piece in watching:
            assert piece.ByteSize() <= LARGEST_PART_BYTES + 10_000
            followed += [site.name for site in piece.sites]
            if piece.complete:
                break
        assert sorted(followed) == NAMES


async def test_a_resource_that_takes_too_much_is_refused(database_url: str) -> None:
    async with metering_world(database_url) as world:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await create(world, large_site(NAMES[0], LARGEST_BODY_BYTES))
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "TOO_MANY_ITEMS" in str(caught.value.trailing_metadata())
