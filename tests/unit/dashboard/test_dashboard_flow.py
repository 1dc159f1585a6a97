"""What flows at a site: sums that are whole or not there, each with the age of its oldest part."""

from datetime import UTC, datetime, timedelta

import pytest

from wattmesh_dashboard.domain.flow import FlowKind, KindFlow, Measured, Readings, site_flow
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, PointId, SiteId
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
    Site,
    SiteModel,
    SiteModelChange,
)

HOME = SiteId("home-1")
NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
EARLIER = NOON - timedelta(minutes=20)
QUARTER = timedelta(minutes=15)


def asset(name: str, rating: Rating) -> Asset:
    return Asset(id=AssetId(HOME, name), display_name=name, rating=rating)


def meter(name: str, *of: str, role: MeterRole = MeterRole.MAIN) -> Device:
    device = DeviceId(HOME, name)
    return Device(
        id=device,
        display_name=name,
        profile="test",
        gateway=GatewayId("local"),
        connection=MqttConnection(address=name),
        points=frozenset({"active_power_w", "soc_ratio"}),
        reporting_interval=QUARTER,
        functions=tuple(DeviceFunction(asset=AssetId(HOME, each), meter_role=role) for each in of),
    )


GRID = asset("grid", GridConnectionRating())
SUN = asset("pv", PvRating(peak_power_w=4000))
LOAD = asset("load", LoadRating(derived=True))


def battery(name: str, capacity_wh: float) -> Asset:
    rating = BatteryRating(
        capacity_wh=capacity_wh, max_charge_power_w=5000, max_discharge_power_w=5000
    )
    return asset(name, rating)


def model(*resources: Asset | Device) -> SiteModel:
    site = Site(id=HOME, time_zone="Europe/Berlin", currency_code="EUR")
    return SiteModel().apply(SiteModelChange(revision=1, changed=(site, *resources)))


def read(device: str, value: float, at: datetime = NOON, point: str = "active_power_w") -> Readings:
    return {PointId.parse(f"{HOME}/devices/{device}/points/{point}"): Measured(value, at)}


def flows(model: SiteModel, readings: Readings) -> dict[FlowKind, KindFlow]:
    return {flow.kind: flow for flow in site_flow(model, HOME, readings, NOON).flows}


WHOLE = model(
    GRID,
    SUN,
    LOAD,
    battery("store", 6400),
    meter("m", "grid"),
    meter("i", "pv"),
    meter("b", "store"),
)


def test_a_load_that_nobody_meters_is_what_the_others_leave() -> None:
    readings = {**read("m", 2000), **read("i", -3000, EARLIER), **read("b", 1000)}
    load = flows(WHOLE, readings)[FlowKind.LOAD]
    assert load.derived
    assert load.power_w == pytest.approx(4000)
    assert load.measured == EARLIER, "a sum is as old as its oldest part"


def test_a_load_is_not_known_while_a_part_of_the_balance_is_missing() -> None:
    load = flows(WHOLE, {**read("m", 2000), **read("i", -3000)})[FlowKind.LOAD]
    assert (load.power_w, load.silent) == (None, 1)


def test_a_sum_with_a_missing_part_is_not_known_and_never_smaller() -> None:
    two = model(
        GRID, SUN, asset("pv-2", PvRating(peak_power_w=1000)), meter("i", "pv"), meter("j", "pv-2")
    )
    sun = flows(two, read("i", -3000))[FlowKind.PV]
    assert (sun.power_w, sun.silent, sun.assets) == (None, 1, 2)
    assert flows(two, {**read("i", -3000), **read("j", -500)})[FlowKind.PV].power_w == -3500


def test_part_meters_add_up_and_check_meters_never_count() -> None:
    parts = model(
        GRID,
        meter("l1", "grid", role=MeterRole.PART),
        meter("l2", "grid", role=MeterRole.PART),
        meter("check", "grid", role=MeterRole.CHECK),
    )
    readings = {**read("l1", 100), **read("l2", 50), **read("check", 9999)}
    assert flows(parts, readings)[FlowKind.GRID].power_w == 150
    assert flows(parts, {**read("l1", 100), **read("check", 9999)})[FlowKind.GRID].power_w is None


def test_charge_of_several_batteries_counts_by_their_capacity() -> None:
    two = model(
        GRID, battery("big", 9000), battery("small", 1000), meter("b", "big"), meter("s", "small")
    )
    readings = {**read("b", 0.5, point="soc_ratio"), **read("s", 1.0, EARLIER, point="soc_ratio")}
    store = flows(two, readings)[FlowKind.BATTERY]
    assert store.soc_ratio == pytest.approx(0.55)
    assert store.soc_measured == EARLIER
    assert flows(two, read("b", 0.5, point="soc_ratio"))[FlowKind.BATTERY].soc_ratio is None


def test_a_load_within_another_load_is_not_shown_twice() -> None:
    shown = model(
        GRID,
        asset("all", LoadRating()),
        asset("oven", LoadRating(informational=True)),
        meter("a", "all"),
        meter("o", "oven"),
    )
    readings = {**read("a", 1000), **read("o", 800)}
    assert flows(shown, readings)[FlowKind.LOAD].power_w == 1000


def test_a_kind_that_never_reported_has_no_time_but_its_interval() -> None:
    grid = flows(WHOLE, {})[FlowKind.GRID]
    assert (grid.power_w, grid.measured, grid.reporting_interval) == (None, None, QUARTER)
