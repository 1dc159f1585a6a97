"""Tenants of one metering: each sees what is of its own sites."""

from pathlib import Path

from tests.fakes.metering_world import metering_world
from tests.fakes.tenants import shown, write_people
from wattmesh.site.v1 import site_pb2, site_service_pb2
from wattmesh_runtime.testing import SETTINGS

PEOPLE = {"ada": ("acme", "VIEWER"), "zoe": ("zeta", "VIEWER"), "olga": ("default", "ADMIN")}
TENANTS = {"acme": ["sites/home-1", "sites/home-3"], "zeta": []}


async def test_a_tenant_lists_its_own_sites_and_no_page_tells_of_others(
    database_url: str, tmp_path: Path
) -> None:
    file = write_people(tmp_path / "principals.json", PEOPLE, TENANTS)
    served = SETTINGS.model_copy(update={"principals_file": file})
    async with metering_world(database_url, served=served) as world:
        for number in range(5):
            home = f"sites/home-{number}"
            site = site_pb2.Site(name=home, time_zone="UTC", currency_code="EUR")
            request = site_service_pb2.CreateSiteRequest(site=site)
            await world.sites.CreateSite(request, metadata=shown("olga"))

        async def listed(who: str, **page: object) -> site_service_pb2.ListSitesResponse:
            request = site_service_pb2.ListSitesRequest(**page)  # type: ignore[arg-type]
            return await world.sites.ListSites(request, metadata=shown(who))

        first = await listed("ada", page_size=1)
        assert [each.name for each in first.sites] == ["sites/home-1"]
        second = await listed("ada", page_size=1, page_token=first.next_page_token)
        assert [each.name for each in second.sites] == ["sites/home-3"]
        assert not second.next_page_token
        assert not (await listed("zoe")).sites
        assert len((await listed("olga")).sites) == 5
