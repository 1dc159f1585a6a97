"""Rules among devices, assets, sites and groups."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, SiteId
from wattmesh_kernel.sites import (
    Asset,
    Device,
    DeviceFunction,
    GridConnectionRating,
    LoadRating,
    MeterRole,
    MqttConnection,
    Node,
    Site,
)
from wattmesh_metering.domain import rules
from wattmesh_metering.domain.records import needs

SITE = SiteId("s")
ASSET = AssetId(SITE, "battery")
NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MAIN, PART, CHECK, SUB = MeterRole.MAIN, MeterRole.PART, MeterRole.CHECK, MeterRole.SUB


def _does(
    role: MeterRole | None = None,
    *,
    controls: bool = False,
    points: frozenset[str] = frozenset(),
    start: datetime | None = None,
    end: datetime | None = None,
) -> DeviceFunction:
    return DeviceFunction(
        asset=ASSET, meter_role=role, controls=controls, points=points, start=start, end=end
    )


def _device(name: str, *functions: DeviceFunction) -> Device:
    return Device(
        id=DeviceId(SITE, name),
        profile="p",
        gateway=GatewayId("g"),
        connection=MqttConnection(address="a"),
        reporting_interval=HOUR,
        points=frozenset({"import_energy_wh", "export_energy_wh", "soc_ratio"}),
        functions=functions,
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "reason"),
    [
        (_does(controls=True), _does(controls=True), "CONTROLLER_TAKEN"),
        (_does(MAIN), _does(MAIN), "MAIN_METER_TAKEN"),
        (_does(MAIN), _does(PART), "MAIN_METER_TAKEN"),
        (_does(PART), _does(MAIN), "MAIN_METER_TAKEN"),
        (
            _does(MAIN, points=frozenset({"import_energy_wh"})),
            _does(MAIN, points=frozenset({"import_energy_wh", "soc_ratio"})),
            "MAIN_METER_TAKEN",
        ),
        (_does(MAIN, start=NOON), _does(MAIN, end=NOON + HOUR), "MAIN_METER_TAKEN"),
        (_does(MAIN), _does(controls=True), ""),
        (_does(PART), _does(PART), ""),
        (_does(MAIN), _does(CHECK), ""),
        (_does(MAIN), _does(SUB), ""),
        (_does(MAIN, start=NOON), _does(MAIN, end=NOON), ""),
        (_does(controls=True, start=NOON), _does(controls=True, end=NOON), ""),
        (
            _does(MAIN, points=frozenset({"import_energy_wh"})),
            _does(MAIN, points=frozenset({"export_energy_wh", "soc_ratio"})),
            "",
        ),
    ],
)
def test_an_asset_has_one_controller_and_one_main_meter_at_a_time(
    ours: DeviceFunction, theirs: DeviceFunction, reason: str
) -> None:
    device, other = _device("ours", ours), _device("theirs", theirs)
    if not reason:
        rules.check_functions(device, [other, device])
        return
    with pytest.raises(FailedPrecondition, match=other.name) as caught:
        rules.check_functions(device, [other])
    assert caught.value.reason == reason


def test_one_device_is_not_two_main_meters_either() -> None:
    with pytest.raises(FailedPrecondition):
        rules.check_functions(_device("d", _does(MAIN), _does(PART)), [])
    rules.check_functions(_device("d", _does(MAIN, end=NOON), _does(MAIN, start=NOON)), [])


def test_a_device_needs_an_asset_for_as_long_as_it_works_for_it() -> None:
    device = _device("d", _does(MAIN, end=NOON))
    assert needs(device, NOON - HOUR) == {SITE.name, ASSET.name}
    assert needs(device, NOON) == {SITE.name}


def test_a_node_goes_only_when_nothing_hangs_on_it() -> None:
    site = Site(id=SITE, time_zone="UTC", currency_code="EUR", nodes=(Node(id="panel"),))
    asset = Asset(id=ASSET, rating=LoadRating(), node_id="panel")
    rules.check_node(asset, site)
    rules.check_nodes_kept(site, [asset])
    bare = replace(site, nodes=())
    with pytest.raises(FailedPrecondition, match="UNKNOWN_NODE"):
        rules.check_node(asset, bare)
    with pytest.raises(FailedPrecondition, match="NODE_IN_USE"):
        rules.check_nodes_kept(bare, [asset])


def test_a_site_has_one_grid_connection() -> None:
    grid = Asset(id=AssetId(SITE, "grid"), rating=GridConnectionRating())
    rules.check_single(grid, [grid])
    with pytest.raises(FailedPrecondition, match="GRID_CONNECTION_TAKEN"):
        rules.check_single(replace(grid, id=AssetId(SITE, "grid-2")), [grid])
