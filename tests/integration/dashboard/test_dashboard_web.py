"""The dashboard's door: pages, calls that are passed on, and one live stream for all who watch."""

import asyncio
import gzip
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2

from tests.fakes.dashboard_world import LIVE, DashboardWorld, dashboard_world
from tests.fakes.eventually import eventually
from tests.fakes.metering_world import NOON, batch, point
from wattmesh.alert.v1 import alert_pb2
from wattmesh.control.v1 import hold_pb2
from wattmesh.dashboard.v1 import dashboard_service_pb2 as pb
from wattmesh.dashboard.v1 import dashboard_service_pb2_grpc
from wattmesh.site.v1 import site_service_pb2
from wattmesh.type.v1 import tariff_pb2
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto
from wattmesh_kernel.time import TimeRange

HOUR = timedelta(hours=1)
PAGE, SCRIPT = b"<!doctype html><title>Wattmesh</title>", b"console.log(1)"
SITES = "wattmesh.site.v1.SiteService"
PRICES = "wattmesh.dashboard.v1.DashboardService/QueryPrices"
PREVIEW = "wattmesh.dashboard.v1.DashboardService/PreviewChange"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_bytes(PAGE)
    (tmp_path / "assets" / "app.js").write_bytes(SCRIPT)
    (tmp_path / "assets" / "app.js.gz").write_bytes(gzip.compress(SCRIPT))
    return tmp_path


@pytest.fixture
async def world(database_url: str, bundle: Path) -> AsyncIterator[DashboardWorld]:
    async with dashboard_world(database_url, bundle) as world:
        yield world


def power(seen: pb.WatchLiveResponse, kind: "pb.FlowKind.ValueType") -> list[float]:
    """The powers of a kind at the home, as they came."""
    return [
        flow.power_w
        for site in seen.sites
        if site.site == "sites/home-1"
        for flow in site.flows
        if flow.kind == kind and flow.HasField("power_w")
    ]


def connected(seen: pb.WatchLiveResponse) -> dict[str, bool]:
    return {feed.feed: feed.connected for feed in seen.feeds}


async def test_every_page_is_the_page_and_its_parts_may_be_kept(world: DashboardWorld) -> None:
    page = await world.browser.get("/plan/home-1")
    assert (page.status, page.body) == (200, PAGE)
    assert page.headers["cache-control"] == "no-cache"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    script = await world.browser.get("/assets/app.js", accept_encoding="gzip, br")
    assert gzip.decompress(script.body) == SCRIPT
    assert "immutable" in script.headers["cache-control"]
    assert (await world.browser.get("/assets/app.js")).body == SCRIPT
    assert (await world.browser.get("/assets/gone.js")).status == 404


async def test_a_call_is_passed_on_with_its_answer_and_its_error(world: DashboardWorld) -> None:
    await world.metering.add_home()
    method = f"{SITES}/GetSite"
    found = await world.browser.call(
        method,
        site_service_pb2.GetSiteRequest(name="sites/home-1"),
        site_service_pb2.GetSiteResponse,
    )
    assert found.site.time_zone == "America/Los_Angeles"
    missing = site_service_pb2.GetSiteRequest(name="sites/nobody").SerializeToString()
    answer = await world.browser.post(f"/{method}", missing)
    assert (answer.status, answer.error["code"]) == (404, "not_found")
    assert answer.error["details"][0]["type"] == "google.rpc.ErrorInfo"


async def test_a_long_answer_travels_compressed(world: DashboardWorld) -> None:
    for number in (1, 2, 3, 4):
        await world.metering.add_home(f"sites/home-{number}")
    path = f"/{SITES}/ListDevices"
    asked = site_service_pb2.ListDevicesRequest(parent="sites/-").SerializeToString()
    plain = await world.browser.post(path, asked)
    packed = await world.browser.post(path, asked, accept_encoding="gzip, br")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 2


@pytest.mark.parametrize(
    "path",
    [
        f"/{SITES}/DeleteSite",
        f"/{SITES}/WatchSiteModel",
        "/wattmesh.metering.v1.MeteringService/Ingest",
        "/wattmesh.control.v1.ControlService/IssueCommand",
        "/grpc.health.v1.Health/Check",
        f"/{SITES}/Get%2f..",
    ],
)
async def test_what_pages_do_not_ask_is_not_there_for_them(
    world: DashboardWorld, path: str
) -> None:
    assert (await world.browser.post(path, b"")).status in (404, 405, 501)


async def test_long_work_is_looked_at_and_nobody_elses_is_ended(world: DashboardWorld) -> None:
    operations, name = "google.longrunning.Operations", "operations/1"
    asked = operations_pb2.GetOperationRequest(name=name)
    found = await world.browser.call(f"{operations}/GetOperation", asked, operations_pb2.Operation)
    assert (found.name, found.done) == (name, True)
    for method in ("CancelOperation", "DeleteOperation"):
        answer = await world.browser.post(f"/{operations}/{method}", asked.SerializeToString())
        assert (answer.status, "not served to browsers" in answer.error["message"]) == (501, True)


async def test_a_page_of_another_origin_cannot_act(world: DashboardWorld) -> None:
    hold = hold_pb2.PlaceHoldRequest(request_id="1").SerializeToString()
    path = "/wattmesh.control.v1.OperatorService/PlaceHold"
    for headers in ({"origin": "http://elsewhere"}, {"origin": "null"}):
        assert (await world.browser.post(path, hold, **headers)).status == 403
    form = "application/x-www-form-urlencoded"
    assert (await world.browser.post(path, hold, content_type=form)).status == 400
    assert world.peers.placed == []
    own = f"http://{world.browser.address}"
    assert (await world.browser.post(path, hold, origin=own)).status == 200
    assert len(world.peers.placed) == 1


async def test_who_asks_is_passed_on(world: DashboardWorld) -> None:
    await world.browser.post(
        "/wattmesh.control.v1.OperatorService/PlaceHold", b"", authorization="Bearer me"
    )
    assert world.peers.metadata["authorization"] == "Bearer me"


async def test_too_long_a_question_is_refused(world: DashboardWorld) -> None:
    answer = await world.browser.post(f"/{SITES}/GetSite", bytes(5 * 2**20))
    assert answer.status == 400
    assert (await world.browser.post(LIVE, b"x", "application/connect+proto")).status == 400


async def test_readings_are_seen_as_flows(world: DashboardWorld) -> None:
    await world.metering.add_home()
    async with world.browser.live("sites/home-1") as live:
        await live.until(lambda seen: connected(seen).get("readings"))
        await world.metering.send(
            batch(
                1,
                [
                    (point("meter", "active_power_w"), NOON, 2000.0),
                    (point("inverter", "active_power_w"), NOON, -3000.0),
                    (point("battery", "active_power_w"), NOON, 500.0),
                    (point("battery", "soc_ratio"), NOON, 0.4),
                ],
            )
        )
        seen = await live.until(lambda seen: power(seen, pb.FLOW_KIND_LOAD))
    assert power(seen, pb.FLOW_KIND_LOAD)[-1] == pytest.approx(4500)
    assert seen.clock_rate_ratio == 1
    assert seen.site_model_revision > 0


async def test_a_page_is_told_of_the_sites_on_its_screen_and_the_sum_of_all(
    world: DashboardWorld,
) -> None:
    await world.metering.add_home()
    await world.metering.add_home("sites/home-2")
    look: Any = {
        "flow_scope": pb.FLOW_SCOPE_NAMED,
        "flow_sites": ["sites/home-2"],
        "together": True,
    }
    async with world.browser.live(**look) as live:
        both = [(point("meter", "active_power_w", f"sites/home-{n}"), NOON, 700.0) for n in (1, 2)]
        await world.metering.send(batch(1, both))
        seen = await live.until(lambda seen: len(seen.all_sites.flows) > 0 and len(seen.sites) > 0)
    assert {site.site for site in seen.sites} == {"sites/home-2"}
    assert seen.all_sites.site_count == 2
    strange = pb.WatchLiveRequest(flow_sites=["home"]).SerializeToString()
    body = struct.pack(">BI", 0, len(strange)) + strange
    assert (await world.browser.post(LIVE, body, "application/connect+proto")).status == 400


async def test_a_home_that_is_added_is_followed(world: DashboardWorld) -> None:
    await world.metering.add_home()
    async with world.browser.live() as live:
        await live.until(lambda seen: connected(seen).get("readings"))
        await world.metering.add_home("sites/home-2")
        await live.until(lambda seen: any(site.site == "sites/home-2" for site in seen.sites))
        name = point("meter", "active_power_w", "sites/home-2")

        async def shown() -> bool:
            await world.metering.send(batch(1, [(name, NOON, 700.0)]), source="gateways/two")
            seen = await live.next()
            live.seen.MergeFrom(seen)
            return any(flow.power_w == 700 for site in live.seen.sites for flow in site.flows)

        await eventually(shown, 20)


async def test_plans_come_without_what_only_a_plan_itself_is_asked_for(
    world: DashboardWorld,
) -> None:
    async with world.browser.live() as live:
        await live.until(lambda seen: connected(seen).get("plans"))
        world.peers.plan("plans/1")
        seen = await live.until(lambda seen: seen.plans)
    assert seen.plans[0].name == "plans/1"
    assert not seen.plans[0].HasField("solution")


async def test_plans_are_shown_whichever_planner_makes_them(world: DashboardWorld) -> None:
    async with world.browser.live() as live:
        await live.until(lambda seen: connected(seen).get("plans"))
        world.peers.plan("plans/2", by_another=True)
        seen = await live.until(lambda seen: seen.plans)
    assert seen.plans[0].name == "plans/2"


async def test_commands_and_events_are_those_of_the_site_that_is_looked_at(
    world: DashboardWorld,
) -> None:
    async with world.browser.live("sites/home-1") as live:
        await live.until(
            lambda seen: connected(seen).get("commands") and connected(seen).get("events")
        )
        for site in ("sites/home-2", "sites/home-1"):
            world.peers.command(site, f"commands/{site[-1]}")
            world.peers.event(site)
        seen = await live.until(lambda seen: seen.commands and seen.events)
    assert [each.name for each in seen.commands] == ["commands/1"]
    assert {each.device for each in seen.events} == {"sites/home-1/devices/battery"}


async def test_a_stream_that_breaks_is_told_and_taken_up_again(world: DashboardWorld) -> None:
    async with world.browser.live() as live:
        await live.until(lambda seen: connected(seen).get("holds"))
        world.peers.holds.hang_up()
        await live.until(lambda seen: not connected(seen)["holds"])
        await live.until(lambda seen: connected(seen)["holds"])
        assert connected(live.seen)["plans"], "one that breaks leaves the rest"


async def test_an_alert_is_told_until_it_is_over(world: DashboardWorld) -> None:
    async with world.browser.live() as live:
        await live.until(lambda seen: connected(seen).get("alerts"))
        for name in ("alerts/1", "alerts/2"):
            world.peers.alert(name, alert_pb2.ALERT_STATE_FIRING)
        await live.until(lambda seen: len(seen.alerts) == 2)
        world.peers.alert("alerts/1", alert_pb2.ALERT_STATE_RESOLVED)
        await live.until(lambda seen: len(seen.alerts) == 3)
    async with world.browser.live() as later:
        seen = await later.until(lambda seen: seen.alerts)
    assert [each.name for each in seen.alerts] == ["alerts/2"]


async def test_a_change_is_previewed_with_its_faults_and_its_bill(world: DashboardWorld) -> None:
    await world.metering.add_home()
    home = "sites/home-1"
    for name, price in (("tariffs/dear", 0.4), ("tariffs/cheap", 0.1)):
        rates = tariff_pb2.EnergyRates(base_per_kwh=price)
        tariff = tariff_pb2.Tariff(name=name, currency_code="USD", import_rates=rates)
        await world.metering.sites.CreateTariff(site_service_pb2.CreateTariffRequest(tariff=tariff))
    update = site_service_pb2.UpdateSiteRequest()
    update.site.name, update.site.tariff = home, "tariffs/dear"
    site = (await world.metering.sites.UpdateSite(update)).site
    counted = [
        (point("meter", f"{way}_energy_wh"), NOON + (n - 60) * HOUR / 60, each * n)
        for way, each in (("import", 4000.0 / 60), ("export", 0.0))
        for n in range(61)
    ]
    await world.metering.send(batch(1, counted))
    site.tariff = "tariffs/cheap"
    asked = pb.PreviewChangeRequest(
        site=home,
        changed_site=site,
        bill_range=time_range_to_proto(TimeRange.of(NOON - HOUR, HOUR)),
    )

    async def billed() -> bool:
        answer = await world.browser.post(f"/{PREVIEW}", asked.SerializeToString())
        found = pb.PreviewChangeResponse.FromString(answer.body) if answer.status == 200 else None
        return found is not None and found.bill_before.total_amount == "1.60"

    await eventually(billed)
    preview = await world.browser.call(PREVIEW, asked, pb.PreviewChangeResponse)
    assert preview.bill_after.total_amount == "0.40"
    assert preview.covered_ratio == 1
    asked.changed_site.time_zone = "Europe/Nowhere"
    (fault,) = (await world.browser.call(PREVIEW, asked, pb.PreviewChangeResponse)).faults
    assert fault.field == "time_zone"


async def test_what_is_edited_in_a_page_is_stored_and_no_site_is_deleted(
    world: DashboardWorld,
) -> None:
    await world.metering.add_home()
    battery = (
        await world.browser.call(
            f"{SITES}/GetAsset",
            site_service_pb2.GetAssetRequest(name="sites/home-1/assets/battery"),
            site_service_pb2.GetAssetResponse,
        )
    ).asset
    battery.display_name = "Cellar"
    edited = site_service_pb2.UpdateAssetRequest(asset=battery)
    edited.update_mask.paths.append("*")
    method = f"{SITES}/UpdateAsset"
    stored = await world.browser.call(method, edited, site_service_pb2.UpdateAssetResponse)
    assert stored.asset.display_name == "Cellar"
    again = await world.browser.post(f"/{method}", edited.SerializeToString())
    assert again.error["code"] == "aborted", "somebody else was first"


async def test_however_many_watch_each_service_is_watched_once(world: DashboardWorld) -> None:
    async with AsyncExitStack() as stack:
        browsers = [await stack.enter_async_context(world.browser.live()) for _ in range(100)]
        await asyncio.gather(
            *(each.until(lambda seen: connected(seen).get("plans")) for each in browsers)
        )
        world.peers.plan("plans/1")
        await asyncio.gather(*(each.until(lambda seen: seen.plans) for each in browsers))
        assert world.peers.plans.opened == 1
        assert world.peers.commands.opened == 1


async def test_programs_see_the_same(world: DashboardWorld) -> None:
    world.peers.plan("plans/none")  # nobody watches yet
    async with grpc.aio.insecure_channel(world.target) as channel:
        stub: Any = dashboard_service_pb2_grpc.DashboardServiceStub(channel)
        call = stub.WatchLive(pb.WatchLiveRequest())
        first = await call.read()
        call.cancel()
        assert first.clock_rate_ratio == 1
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.WatchLive(pb.WatchLiveRequest(site="home")).read()
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_prices_are_those_of_plans_and_bills(world: DashboardWorld) -> None:
    await world.metering.add_home()
    evening = tariff_pb2.TariffWindow(
        clock_ranges=[tariff_pb2.ClockRange(start_minute=16 * 60, end_minute=21 * 60)]
    )
    tariff = tariff_pb2.Tariff(
        name="tariffs/home",
        currency_code="USD",
        import_rates=tariff_pb2.EnergyRates(
            tou_periods=[
                tariff_pb2.TouPeriod(display_name="peak", window=evening, price_per_kwh=0.54),
                tariff_pb2.TouPeriod(display_name="else", price_per_kwh=0.22),
            ]
        ),
        export_rates=tariff_pb2.EnergyRates(base_per_kwh=0.05),
    )
    await world.metering.sites.CreateTariff(site_service_pb2.CreateTariffRequest(tariff=tariff))
    update = site_service_pb2.UpdateSiteRequest()
    update.site.name, update.site.tariff = "sites/home-1", "tariffs/home"
    await world.metering.sites.UpdateSite(update)
    # Noon UTC is five in the morning in California, where the evening begins at 23 h UTC.
    request = pb.QueryPricesRequest(
        site="sites/home-1",
        range=time_range_to_proto(TimeRange.of(NOON + 10 * HOUR, 2 * HOUR)),
        resolution=duration_to_proto(HOUR),
    )

    async def known() -> bool:
        answer = await world.browser.post(f"/{PRICES}", request.SerializeToString())
        return answer.status == 200

    await eventually(known)
    prices = await world.browser.call(PRICES, request, pb.QueryPricesResponse)
    assert list(prices.import_price_per_kwh.values) == [0.22, 0.54]
    assert list(prices.export_price_per_kwh.values) == [0.05, 0.05]
    assert (prices.currency_code, prices.tariff) == ("USD", "tariffs/home")


async def test_prices_of_no_site_and_no_time_are_refused(world: DashboardWorld) -> None:
    await world.metering.add_home()
    request = pb.QueryPricesRequest(
        site="sites/home-1", range=time_range_to_proto(TimeRange.of(NOON, HOUR))
    )

    async def no_tariff() -> bool:
        answer = await world.browser.post(f"/{PRICES}", request.SerializeToString())
        return answer.status == 404 and "tariff" in answer.error["message"]

    await eventually(no_tariff)
    request.range.CopyFrom(time_range_to_proto(TimeRange.of(NOON + timedelta(minutes=1), HOUR)))
    off = await world.browser.post(f"/{PRICES}", request.SerializeToString())
    assert (off.status, off.error["code"]) == (400, "invalid_argument")
    assert (await world.browser.post(f"/{PRICES}", b"\xff\xff")).status == 400
