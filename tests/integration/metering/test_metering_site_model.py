"""Following the site model: whole, in pieces, and change by change, on every replica."""

import time
from collections.abc import AsyncIterator

import psycopg
import pytest

from tests.fakes.eventually import within
from tests.fakes.metering_world import (
    HOUR,
    NOON,
    MeteringWorld,
    batch,
    energy_request,
    home_device,
    metering_world,
    point,
    samples,
)
from wattmesh.site.v1 import asset_pb2, site_pb2
from wattmesh.site.v1 import site_service_pb2 as pb
from wattmesh.type.v1 import rating_pb2, tariff_pb2
from wattmesh_contracts.site_model import change_from_pieces
from wattmesh_contracts.values import series_to_proto
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import SiteModel, SiteModelChange
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.aio.tasks import BackgroundTasks
from wattmesh_sitemodel.client import SiteModelClient
from wattmesh_sitemodel.view import SiteModelView

HOME = "sites/home-1"


async def _watch(world: MeteringWorld, known_revision: int = 0) -> AsyncIterator[SiteModelChange]:
    request = pb.WatchSiteModelRequest(known_revision=known_revision)
    pieces: list[pb.WatchSiteModelResponse] = []
    async for piece in world.sites.WatchSiteModel(request):
        pieces.append(piece)
        if piece.complete:
            yield change_from_pieces(pieces)
            pieces = []


async def _news(watched: AsyncIterator[SiteModelChange]) -> SiteModelChange:
    """The next change that is no heartbeat."""
    async for change in watched:
        if change.changed or change.deleted or change.published or change.snapshot:
            return change
    raise AssertionError("the stream has ended")


async def test_a_watcher_gets_the_model_then_each_change(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        watched = _watch(world)
        first = await anext(watched)
        model = SiteModel().apply(first)
        assert first.snapshot
        assert model.revision > 1_700_000_000_000
        assert (len(model.sites), len(model.assets), len(model.devices)) == (1, 4, 3)
        asset = asset_pb2.Asset(name=f"{HOME}/assets/heat", load=rating_pb2.LoadRating())
        await world.sites.CreateAsset(pb.CreateAssetRequest(asset=asset))
        change = await _news(watched)
        model = model.apply(change)
        assert not change.snapshot
        assert change.revision > first.revision
        assert AssetId.parse(asset.name) in model.assets
        await world.sites.DeleteAsset(pb.DeleteAssetRequest(name=asset.name))
        change = await _news(watched)
        assert change.deleted == {asset.name}
        assert AssetId.parse(asset.name) not in model.apply(change).assets


async def test_a_change_reaches_a_watcher_on_another_replica_within_a_second(
    database_url: str,
) -> None:
    async with metering_world(database_url) as one, metering_world(database_url) as other:
        watched = _watch(other)
        await anext(watched)
        waits = []
        for number in range(5):
            site = site_pb2.Site(name=f"sites/s{number}", time_zone="UTC", currency_code="EUR")
            await one.sites.CreateSite(pb.CreateSiteRequest(site=site))
            committed = time.monotonic()
            change = await _news(watched)
            waits.append(time.monotonic() - committed)
            assert [each.id.name for each in change.changed] == [site.name]
        assert max(waits) < 1.0


async def test_a_notice_that_is_lost_is_made_up_for(database_url: str) -> None:
    """Rows appear without a notification, as after a broken listening connection."""
    async with metering_world(database_url) as world:
        await world.add_home()
        watched = _watch(world)
        await anext(watched)
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as raw:
            await raw.execute("SET search_path TO metering")
            await raw.execute(
                "WITH next AS (INSERT INTO revisions SELECT max(revision) + 1 FROM revisions"
                " RETURNING revision)"
                " UPDATE records SET delete_time = now(), revision = next.revision FROM next"
                " WHERE name = 'sites/home-1/assets/pv'"
            )
        async with within(1.0):
            assert (await _news(watched)).deleted == {f"{HOME}/assets/pv"}


async def test_who_comes_again_hears_only_what_changed_since(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        known = (await anext(_watch(world))).revision
        beat = await anext(_watch(world, known))
        assert (beat.revision, beat.changed, beat.snapshot) == (known, (), False)
        await world.sites.DeleteDevice(pb.DeleteDeviceRequest(name=f"{HOME}/devices/battery"))
        await world.sites.DeleteAsset(pb.DeleteAssetRequest(name=f"{HOME}/assets/battery"))
        renamed = site_pb2.Site(name=HOME, display_name="Home")
        await world.sites.UpdateSite(pb.UpdateSiteRequest(site=renamed))
        since = await anext(_watch(world, known))
        assert not since.snapshot
        assert since.deleted == {f"{HOME}/devices/battery", f"{HOME}/assets/battery"}
        assert [each.id.name for each in since.changed] == [HOME]
    for foreign in (1, known - 1, known + 10**9):  # of another database, or forgotten
        async with metering_world(database_url) as world:
            again = await anext(_watch(world, foreign))
            assert again.snapshot
            assert len(again.changed) == 1 + 3 + 2


async def test_what_is_followed_can_be_changed_by_its_etag(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        piece = await anext(aiter(world.sites.WatchSiteModel(pb.WatchSiteModelRequest())))
        (site,) = piece.sites
        site.display_name = "Home"
        await world.sites.UpdateSite(pb.UpdateSiteRequest(site=site))
        assert all(asset.etag for asset in piece.assets)
        assert all(device.etag for device in piece.devices)


async def test_the_mesh_s_own_client_follows(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        view = SiteModelView(world.clock)
        async with BackgroundTasks() as tasks:
            tasks.start(SiteModelClient(world.channel, view).run())
            model = await view.wait_known()
            assert model == SiteModel().apply(await anext(_watch(world)))
            await world.sites.DeleteDevice(pb.DeleteDeviceRequest(name=f"{HOME}/devices/battery"))
            battery = AssetId.parse(f"{HOME}/assets/battery")
            await view.wait_until(lambda model: not model.meters_of(battery, NOON), 1.0)


async def test_an_update_that_changes_nothing_bothers_nobody(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.add_home()
        known = (await anext(_watch(world))).revision
        same = home_device(HOME, "meter")
        await world.sites.UpdateDevice(pb.UpdateDeviceRequest(device=same))
        assert (await anext(_watch(world))).revision == known


async def test_published_prices_are_told(database_url: str) -> None:
    async with metering_world(database_url) as world:
        rates = tariff_pb2.EnergyRates(real_time=tariff_pb2.RealTimePrice())
        tariff = tariff_pb2.Tariff(name="tariffs/t", currency_code="EUR", import_rates=rates)
        await world.sites.CreateTariff(pb.CreateTariffRequest(tariff=tariff))
        watched = _watch(world)
        known = (await anext(watched)).revision
        prices = series_to_proto(Series(NOON, HOUR, [1.0, 2.0]))  # type: ignore[arg-type]
        await world.sites.PublishPrices(
            pb.PublishPricesRequest(tariff=tariff.name, import_price_per_kwh=prices)
        )
        for change in (await _news(watched), await anext(_watch(world, known))):
            (published,) = change.published
            assert published.tariff.name == tariff.name
            assert published.span == TimeRange(NOON, NOON + 2 * HOUR)


async def test_a_quiet_model_is_confirmed_all_the_same(database_url: str) -> None:
    async with metering_world(database_url) as world:
        watched = _watch(world)
        first = await anext(watched)
        async with within(5.0):
            beat = await anext(watched)
        assert (beat.revision, beat.changed, beat.snapshot) == (first.revision, (), False)


@pytest.mark.time_limit(200)
async def test_a_large_model_comes_in_pieces_and_is_whole(database_url: str) -> None:
    async with metering_world(database_url) as world:
        for number in range(1100):
            site = site_pb2.Site(name=f"sites/s{number}", time_zone="UTC", currency_code="EUR")
            await world.sites.CreateSite(pb.CreateSiteRequest(site=site))
        pieces = []
        async for piece in world.sites.WatchSiteModel(pb.WatchSiteModelRequest()):
            pieces.append(piece)
            if piece.complete:
                break
    assert [len(piece.sites) for piece in pieces] == [500, 500, 100, 0]
    assert all(piece.snapshot for piece in pieces)
    model = SiteModel().apply(change_from_pieces(pieces))
    assert {SiteId(f"s{number}") for number in range(1100)} == set(model.sites)


async def test_what_stood_in_the_former_tables_is_still_there(database_url: str) -> None:
    """A database of before records: its resources, readings and requests go on."""
    span = TimeRange(NOON - 2 * HOUR, NOON)
    async with metering_world(database_url) as world:
        await world.add_home()
        energy = point("battery", "import_energy_wh")
        await world.send(batch(1, samples(energy, span.start, HOUR, [0, 7, 14])))
    await _turn_back(database_url)
    async with metering_world(database_url) as world:
        model = SiteModel().apply(await anext(_watch(world)))
        (site,) = model.sites.values()
        assert (site.display_name, site.currency_code) == ("Home", "EUR")
        (tariff,) = model.tariffs.values()
        assert tariff.power_limits[0].max_power_w == 7000
        (group,) = model.groups.values()
        assert (group.sites, group.max_import_power_w) == ((site.id,), 9000)
        battery = AssetId.parse(f"{HOME}/assets/battery")
        controller = model.controller_of(battery, NOON)
        assert controller is not None
        assert controller.name == f"{HOME}/devices/battery"
        assert {asset.kind for asset in model.assets.values()} == {
            *("battery", "deferrable_load", "ev_charger", "generator", "grid_connection"),
            *("hvac_zone", "load", "pv_array", "thermal_tank", "wind_turbine"),
        }
        answer = await world.metering.QueryEnergy(energy_request(battery.name, span=span))
        assert list(answer.energies[0].import_energy_wh.values) == [7, 7]
        again = pb.CreateSiteRequest(
            site=site_pb2.Site(name=HOME, time_zone="UTC", currency_code="EUR"), request_id="r"
        )
        await world.sites.CreateSite(again)
    async with await psycopg.AsyncConnection.connect(database_url) as raw:
        left = await (await raw.execute("SELECT message FROM metering.former_records")).fetchall()
        assert [message["name"] for (message,) in left] == [f"{HOME}/assets/broken"]


_FORMER = """
SET search_path TO metering;
DELETE FROM schema_migrations WHERE name LIKE '0004%';
DROP TABLE records, ended_devices, revisions, former_records;
INSERT INTO tariffs VALUES ('tariffs/t', 'T', 'EUR', '{"name": "tariffs/t", "currency_code": "EUR",
    "power_limits": [{"direction": "ENERGY_DIRECTION_IMPORT", "limit_w": 7000}]}');
INSERT INTO sites VALUES ('sites/home-1', 'Home', 'UTC', NULL, 11, 'tariffs/t', NULL, 'EUR');
INSERT INTO site_groups VALUES ('groups/g', '', 9000, NULL, NULL);
INSERT INTO group_sites VALUES ('sites/home-1', 'groups/g', 1);
INSERT INTO assets
SELECT 'sites/home-1/assets/' || name, 'sites/home-1', '', kind, parameters::jsonb
FROM (VALUES
    ('battery', 'battery', '{"capacity_wh": 6400, "charge_limit_w": 5000, "discharge_limit_w": 5000,
        "charge_efficiency_ratio": 0.95, "discharge_efficiency_ratio": 0.95, "min_soc_ratio": 0,
        "max_soc_ratio": null, "wear_cost_per_kwh": null}'),
    ('grid', 'grid_connection', '{"import_limit_w": 10000, "export_limit_w": null}'),
    ('load', 'load', '{"derived": true, "informational": false}'),
    ('pv', 'pv_array', '{"peak_power_w": 4000, "inverter_power_w": 3000, "tilt_degrees": null,
        "azimuth_degrees": null, "curtailable": true}'),
    ('wind', 'wind_turbine', '{"rated_power_w": 4000, "hub_height_m": null, "curtailable": false}'),
    ('ev', 'ev_charger', '{"min_current_a": 6, "max_current_a": 16, "phases": 1, "voltage_v": null,
        "bidirectional": true}'),
    ('zone', 'hvac_zone', '{"capacitance_wh_per_k": 100, "resistance_k_per_w": 0.01,
        "power_limit_w": 2000, "cop_ratio": 3, "comfort_min_celsius": 20, "comfort_max_celsius": 24,
        "mass_capacitance_wh_per_k": null, "mass_resistance_k_per_w": null}'),
    ('tank', 'thermal_tank', '{"capacity_wh": 4000, "power_limit_w": 2000, "cop_ratio": 1,
        "loss_ratio_per_hour": 0.01}'),
    ('broken', 'deferrable_load', '{"power_w": 0, "interruptible": false}'),
    ('washer', 'deferrable_load', '{"power_w": 2000, "interruptible": false}'),
    ('genset', 'generator', '{"rated_output_w": 5000, "min_output_w": 1000, "start_cost": 1,
        "fuel_cost_per_kwh": 0.5, "fuel_gco2e_per_kwh": 700}')
) AS former (name, kind, parameters);
INSERT INTO devices VALUES ('sites/home-1/devices/battery', 'sites/home-1',
    'sites/home-1/assets/battery', 'Battery', 'test', 'gateways/local', 'modbus_tcp',
    '{"host": "localhost", "port": 502, "unit_id": 1}', '15 minutes');
DELETE FROM points WHERE device <> 'sites/home-1/devices/battery';
ALTER TABLE points ADD FOREIGN KEY (device) REFERENCES devices;
ALTER TABLE tariff_prices ADD FOREIGN KEY (tariff) REFERENCES tariffs;
INSERT INTO create_requests VALUES ('site', 'r', 'sites/home-1', '\\x00');
ALTER TABLE create_requests ALTER COLUMN fingerprint SET NOT NULL;
"""


async def _turn_back(database_url: str) -> None:
    """Make the tables as they were before migration 0004, with a home in them."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as raw:
        await raw.execute(_FORMER.encode())
