"""The sites that the live view and the report look at are those of the site model."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, SiteId
from wattmesh_kernel.sites import (
    Asset,
    BatteryRating,
    Device,
    DeviceFunction,
    GridConnectionRating,
    LoadRating,
    MeterRole,
    MqttConnection,
    PvRating,
    Rating,
    Resource,
    Site,
    SiteModel,
    SiteModelChange,
)
from wattmesh_local.watching.sites import watched_sites

NOW = datetime(2016, 9, 5, 7, tzinfo=UTC)
BATTERY = BatteryRating(capacity_wh=6400.0, max_charge_power_w=5e3, max_discharge_power_w=5e3)


def home(number: int, **ratings: Rating) -> list[Resource]:
    site = Site(id=SiteId(f"home-{number}"), time_zone="UTC", currency_code="USD")
    assets = [Asset(id=AssetId(site.id, name), rating=ratings[name]) for name in ratings]
    return [site, *assets]


def meter(name: str, asset: AssetId, role: MeterRole, *points: str) -> Device:
    return Device(
        id=DeviceId(asset.site, name),
        profile="any",
        gateway=GatewayId("local"),
        connection=MqttConnection(address=name),
        points=frozenset(points),
        functions=(DeviceFunction(asset=asset, meter_role=role),),
        reporting_interval=timedelta(minutes=15),
    )


def model_of(*resources: Resource) -> SiteModel:
    return SiteModel().apply(SiteModelChange(revision=1, changed=resources))


def test_more_sites_than_a_page_holds_are_all_watched_in_their_natural_order() -> None:
    homes = [home(number, grid=GridConnectionRating()) for number in range(1, 1202)]

    sites = watched_sites(model_of(*(each for parts in homes for each in parts)), NOW)

    assert [site.id.segment for site in sites[:3]] == ["home-1", "home-2", "home-3"]
    assert sites[-1].id.segment == "home-1201"


def test_assets_are_told_apart_by_kind_and_parts_of_a_load_are_left_out() -> None:
    parts = home(
        1,
        grid=GridConnectionRating(),
        load=LoadRating(derived=True),
        hall=LoadRating(informational=True),
        pv=PvRating(peak_power_w=4000.0),
        battery=BATTERY,
    )

    (site,) = watched_sites(model_of(*parts), NOW)

    assert [asset.segment for asset in site.balance] == ["grid", "pv", "battery"]
    assert [asset.segment for asset in site.loads] == ["load"]
    assert site.battery_capacity_wh == 6400.0


def test_a_site_without_a_grid_connection_is_not_watched() -> None:
    assert watched_sites(model_of(*home(1, battery=BATTERY)), NOW) == []


def test_the_main_meter_shows_an_asset_and_a_controller_or_check_meter_does_not() -> None:
    parts = home(1, grid=GridConnectionRating(), battery=BATTERY)
    battery = AssetId(SiteId("home-1"), "battery")
    main = meter("main", battery, MeterRole.MAIN, "active_power_w", "soc_ratio")
    check = meter("a-check", battery, MeterRole.CHECK, "active_power_w")

    (site,) = watched_sites(model_of(*parts, main, check), NOW)

    assert site.points[battery, "active_power_w"] == (main.point("active_power_w"),)
    assert site.points[battery, "soc_ratio"] == (main.point("soc_ratio"),)


def test_meters_of_parts_show_an_asset_together() -> None:
    parts = home(1, grid=GridConnectionRating())
    grid = AssetId(SiteId("home-1"), "grid")
    one, two = (meter(name, grid, MeterRole.PART, "active_power_w") for name in ("a", "b"))
    ended = replace(one.functions[0], end=NOW)

    (both,) = watched_sites(model_of(*parts, one, two), NOW)
    (left,) = watched_sites(model_of(*parts, replace(one, functions=(ended,)), two), NOW)

    points = one.point("active_power_w"), two.point("active_power_w")
    assert both.points[grid, "active_power_w"] == points
    assert left.points[grid, "active_power_w"] == points[1:]
