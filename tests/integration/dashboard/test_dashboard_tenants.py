"""A tenant watches its own sites live, while others' are held, alarmed and planned beside it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.fakes.dashboard_world import LIVE, DashboardWorld, dashboard_world
from tests.fakes.metering_world import NOON, batch, point
from tests.fakes.tenants import shown, write_people
from wattmesh.alert.v1 import alert_pb2
from wattmesh.control.v1 import hold_pb2
from wattmesh.dashboard.v1 import dashboard_service_pb2 as pb
from wattmesh.dashboard.v1 import dashboard_service_pb2_grpc
from wattmesh_dashboard.api import connect

OURS, THEIRS = "sites/home-1", "sites/home-2"
TENANT, RUNS_IT = "vera", "olga"
PEOPLE = {TENANT: ("acme", "VIEWER"), RUNS_IT: ("default", "VIEWER")}
PRICES = "/wattmesh.dashboard.v1.DashboardService/QueryPrices"


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[DashboardWorld]:
    people = write_people(tmp_path / "principals.json", PEOPLE, {"acme": [OURS], "zeta": [THEIRS]})
    async with dashboard_world(database_url, tmp_path, principals_file=people) as world:
        yield world


async def tell_of_both(world: DashboardWorld) -> None:
    """Readings, a hold and an alert at both homes, those of ours last."""
    for site in (THEIRS, OURS):
        await world.metering.add_home(site)
    async with world.browser.live() as live:
        await live.until(
            lambda seen: {"holds", "alerts"} <= {each.feed for each in seen.feeds if each.connected}
        )
        for place, site in enumerate((THEIRS, OURS)):
            power = (point("meter", "active_power_w", site), NOON, 700.0 + place)
            await world.metering.send(batch(1, [power]), source=f"gateways/{place}")
            hold = hold_pb2.Hold(name=f"holds/{place}", subject=site, in_force=True)
            hold.devices.add(device=f"{site}/devices/battery")
            world.peers.holds.tell(hold_pb2.WatchHoldsResponse(hold=hold))
            world.peers.alert(f"alerts/{place}", alert_pb2.ALERT_STATE_FIRING, site)
        await live.until(whole(2))


def whole(count: int) -> Any:
    """Whether of so many sites everything is told."""
    return lambda seen: (
        len({each.name for each in seen.holds}) == count
        and len({each.name for each in seen.alerts}) == count
        and len({each.site for each in seen.sites if each.flows[0].HasField("power_w")}) == count
    )


async def test_a_tenant_watches_what_is_its_own_whatever_happens_at_others(
    world: DashboardWorld,
) -> None:
    """By a page and by a program alike; who runs the mesh sees both homes."""
    await tell_of_both(world)
    one = f"Bearer wm_{TENANT}"
    async with world.browser.live(authorization=one, together=True) as live:
        page = await live.until(lambda seen: whole(1)(seen) and seen.HasField("all_sites"))
    async with grpc.aio.insecure_channel(world.target) as channel:
        stub: Any = dashboard_service_pb2_grpc.DashboardServiceStub(channel)
        asked = pb.WatchLiveRequest(site=OURS, together=True)
        call = stub.WatchLive(asked, metadata=shown(TENANT))
        program = await call.read()
        call.cancel()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.WatchLive(pb.WatchLiveRequest(site=THEIRS), metadata=shown(TENANT)).read()
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
        runs_it = await stub.WatchLive(asked, metadata=shown(RUNS_IT)).read()
    for seen in (page, program):
        assert THEIRS not in str(seen)
        assert {each.site for each in seen.sites} == {OURS}
        assert [each.name for each in seen.holds] == ["holds/1"]
        assert [each.name for each in seen.alerts] == ["alerts/1"]
        assert seen.all_sites.site_count == 1
    assert whole(2)(runs_it)
    assert runs_it.all_sites.site_count == 2


async def test_a_page_of_a_tenant_is_refused_what_is_of_others(world: DashboardWorld) -> None:
    one = f"Bearer wm_{TENANT}"
    look = pb.WatchLiveRequest(flow_sites=[OURS, THEIRS]).SerializeToString()
    body = connect.envelope(look)
    kind = "application/connect+proto"
    assert (await world.browser.post(LIVE, body, kind, authorization=one)).status == 403
    assert (await world.browser.post(LIVE, body, kind, authorization="Bearer wm_x")).status == 401
    prices = pb.QueryPricesRequest(site=THEIRS).SerializeToString()
    assert (await world.browser.post(PRICES, prices, authorization=one)).status == 403
