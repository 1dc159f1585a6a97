"""Resources of Kubernetes against SiteService itself: what is written there is registered."""

from typing import Any

import pytest
import yaml
from google.protobuf.field_mask_pb2 import FieldMask

from tests.fakes.eventually import eventually
from tests.fakes.kubernetes_api import KubernetesApi
from tests.fakes.metering_world import MeteringWorld, metering_world
from tests.fakes.site_file import EVERY_KIND, FILE
from tests.fakes.site_operator import judged, site_operator, spec_of
from tools.bootstrap import ROOT
from wattmesh.site.v1 import site_service_pb2 as pb

DEVICE = "sites/home-1/devices/storage"


async def devices(world: MeteringWorld, site: str = "sites/home-1") -> dict[str, Any]:
    answer = await world.sites.ListDevices(pb.ListDevicesRequest(parent=site))
    return {each.name: each for each in answer.devices}


async def sites(world: MeteringWorld) -> set[str]:
    return {each.name for each in (await world.sites.ListSites(pb.ListSitesRequest())).sites}


@pytest.mark.time_limit(240)
async def test_what_is_registered_is_what_a_resource_says(database_url: str) -> None:
    """Created, changed, refused, put back, pruned; kept or ended when the resource goes."""
    async with (
        metering_world(database_url) as world,
        site_operator(world.target, world.clock) as api,
    ):
        wanted = spec_of(FILE)
        api.apply("home-1", wanted)
        assert await judged(api, "home-1", "True") == "Registered"
        status = api.sites["home-1"]["status"]
        assert (status["site"], status["assets"], status["devices"]) == ("sites/home-1", 2, 1)
        assert status["observedGeneration"] == 1
        await eventually(lambda: len(api.told("home-1")) == 1)
        (first,) = api.told("home-1")
        assert first[:2] == ("Normal", "Registered")
        assert first[2].startswith("created tariffs/evening, sites/home-1, sites/home-1/assets")

        connection = wanted["devices"]["storage"]["connection"]["modbus_tcp"]
        connection["host"] = "192.0.2.8"
        api.apply("home-1", wanted)
        await judged(api, "home-1", "True")
        assert (await devices(world))[DEVICE].connection.modbus_tcp.host == "192.0.2.8"
        await eventually(lambda: api.told("home-1")[-1][2] == f"changed {DEVICE}")

        await refuse_nonsense(api, world, wanted)
        await put_back_what_somebody_changed(world)
        await prune(api, world, wanted)
        await end(api, world, wanted)

        # A right that is missing, or not needed, would only be noticed on a cluster.
        assert {right for each in api.asked for right in rights(*each)} == granted()


async def test_it_follows_resources_in_a_pod_whose_user_has_no_name(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(number: int) -> Any:
        raise KeyError(f"uid not found: {number}")

    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    async with (
        metering_world(database_url) as world,
        site_operator(world.target, world.clock) as api,
    ):
        api.apply("home-1", spec_of(FILE))
        assert await judged(api, "home-1", "True") == "Registered"


async def refuse_nonsense(api: KubernetesApi, world: MeteringWorld, wanted: Any) -> None:
    nonsense = yaml.safe_load(yaml.safe_dump(wanted))
    nonsense["assets"]["battery"]["battery"]["capacity_wh"] = -5
    api.apply("home-1", nonsense)
    reason = await judged(api, "home-1", "False")
    await eventually(lambda: api.told("home-1")[-1][:2] == ("Warning", reason))
    assert "capacity" in api.told("home-1")[-1][2]
    assert api.sites["home-1"]["status"]["observedGeneration"] == 2, "the last that is registered"
    assert DEVICE in await devices(world)
    api.apply("home-1", wanted)
    await judged(api, "home-1", "True")


async def put_back_what_somebody_changed(world: MeteringWorld) -> None:
    site = (await world.sites.GetSite(pb.GetSiteRequest(name="sites/home-1"))).site
    site.time_zone = "Asia/Tokyo"
    await world.sites.UpdateSite(
        pb.UpdateSiteRequest(site=site, update_mask=FieldMask(paths=["*"]))
    )

    async def is_back() -> bool:
        found = await world.sites.GetSite(pb.GetSiteRequest(name="sites/home-1"))
        return bool(found.site.time_zone == "Europe/Berlin")

    await eventually(is_back, seconds=30)


async def prune(api: KubernetesApi, world: MeteringWorld, wanted: Any) -> None:
    """What a resource does not say stays, and is told, until it says that nothing else shall be."""
    del wanted["devices"]
    api.apply("home-1", wanted)
    await judged(api, "home-1", "True")
    assert api.sites["home-1"]["status"]["further"] == [DEVICE]
    assert DEVICE in await devices(world)
    api.apply("home-1", {**wanted, "prune": True})
    await judged(api, "home-1", "True")
    assert await devices(world) == {}
    assert api.sites["home-1"]["status"]["further"] == []


async def end(api: KubernetesApi, world: MeteringWorld, wanted: Any) -> None:
    api.delete("home-1")
    await eventually(lambda: "home-1" not in api.sites, seconds=30)
    assert "sites/home-1" in await sites(world)
    await eventually(lambda: api.told("home-1")[-1][1] == "Retained")

    farm = {**spec_of(EVERY_KIND), "deletionPolicy": "Delete"}
    api.apply("farm", farm)
    await judged(api, "farm", "True")
    assert len(await devices(world, "sites/farm")) == 5
    api.delete("farm")
    await eventually(lambda: "farm" not in api.sites, seconds=30)
    assert await sites(world) == {"sites/home-1"}


def granted() -> set[tuple[str, str]]:
    """The rights of the operator's role."""
    text = (ROOT / "k8s/components/site-operator/rights.yaml").read_text()
    roles = (each for each in yaml.safe_load_all(text) if each["kind"] == "Role")
    (role,) = (each for each in roles if each["metadata"]["name"] == "siteoperator")
    return {
        (verb, resource)
        for rule in role["rules"]
        for verb in rule["verbs"]
        for resource in rule["resources"]
    }


def rights(method: str, path: str) -> set[tuple[str, str]]:
    """The rights that a request needs: none to find out which resources there are."""
    _, found, rest = path.partition("/namespaces/wattmesh/")
    if not found:
        return set()
    plural, _, further = rest.partition("/")
    resource = f"{plural}/status" if further.endswith("/status") else plural
    verbs = {"GET": {"list", "watch"}, "PATCH": {"patch"}, "POST": {"create"}}
    return {(verb, resource) for verb in verbs[method]}
