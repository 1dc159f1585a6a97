"""A site's file: what people write, what it means, what differs, and what is wrong with it."""

from datetime import timedelta

import pytest

from tests.fakes.metering_world import home_assets, home_device
from tests.fakes.site_file import FILE
from wattmesh.site.v1 import device_pb2, site_pb2
from wattmesh.type.v1 import tariff_pb2
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_sitemodel.site_file.changes import Action, compare
from wattmesh_sitemodel.site_file.document import SiteDocument, parse_document, write_document
from wattmesh_sitemodel.site_file.schema import document_schema


def test_short_names_and_times_are_what_people_mean() -> None:
    document = parse_document(FILE)

    device = document.devices["sites/home-1/devices/storage"]
    assert device.gateway == "gateways/local"
    assert device.functions[0].asset == "sites/home-1/assets/battery"
    assert device.functions[0].meter_role == device_pb2.METER_ROLE_MAIN
    assert device.points[1].name == "sites/home-1/devices/storage/points/soc_ratio"
    assert device.reporting_interval.ToTimedelta() == timedelta(seconds=10)
    assert document.site.tariff == "tariffs/evening"
    (charge,) = document.tariffs["tariffs/evening"].demand_charges
    assert charge.averaging.ToTimedelta() == timedelta(minutes=15)


def test_a_file_that_is_written_is_read_as_the_same_site() -> None:
    document = parse_document(FILE)
    assert parse_document(write_document(document)) == document


def test_every_home_can_be_written_and_read() -> None:
    name = "sites/home-1"
    document = SiteDocument(
        site=site_pb2.Site(name=name, time_zone="America/Los_Angeles", currency_code="USD"),
        tariffs={"tariffs/t": tariff_pb2.Tariff(name="tariffs/t", currency_code="USD")},
        assets={each.name: each for each in home_assets(name)},
        devices={each.name: each for each in (home_device(name, "battery"),)},
    )
    assert parse_document(write_document(document)) == document


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        ("capacity_wh: 10000", "capacity_kwh: 10", "assets.battery.battery: there is no field"),
        ("meter_role: main", "meter_role: mane", "'mane' is none of main, part, check, sub"),
        ("reporting_interval: 10s", "reporting_interval: soon", "is written like 10s"),
        ("controls: true", "controls: 1", "devices.storage.functions[0].controls: true or false"),
        ("unit_id: 3", "unit_id: three", "connection.modbus_tcp.unit_id: a number"),
        ("points: [active_power_w, soc_ratio]", "points: soc_ratio", "a list is expected"),
        ("tariffs:", "tarifs:", "there is no section 'tarifs'"),
        ("  id: home-1", "  id: Home 1", "home"),
        ("site:\n", "place:\n", "the file needs a section `site`"),
        ("assets:", "assets: [", "this is no YAML"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(wrong: str, right: str, told: str) -> None:
    assert wrong in FILE
    with pytest.raises(InvalidArgument) as refused:
        parse_document(FILE.replace(wrong, right))
    assert told.lower() in refused.value.message.lower()


def test_what_differs_is_told_in_the_words_of_the_file() -> None:
    before = parse_document(FILE)
    after = parse_document(FILE.replace("host: 192.0.2.7", "host: 192.0.2.8"))

    (change,) = compare(after, dict(before.resources()), prune=False)

    assert (change.action, change.name) == (Action.UPDATE, "sites/home-1/devices/storage")
    assert change.lines == ("connection.modbus_tcp.host: 192.0.2.7 → 192.0.2.8",)


def test_nothing_differs_from_itself() -> None:
    document = parse_document(FILE)
    assert compare(document, dict(document.resources()), prune=True) == []


def test_what_a_file_no_longer_has_stays_unless_it_is_pruned() -> None:
    before = parse_document(FILE)
    after = parse_document(FILE[: FILE.index("  battery:\n")])
    assert compare(after, dict(before.resources()), prune=False) == []
    gone = compare(after, dict(before.resources()), prune=True)
    assert [(each.action, each.name.rpartition("/")[2]) for each in gone] == [
        (Action.DELETE, "storage"),
        (Action.DELETE, "battery"),
    ]


def test_tariffs_come_before_the_site_and_assets_before_devices() -> None:
    created = compare(parse_document(FILE), {}, prune=False)
    assert [each.name.split("/")[-2] for each in created] == [
        "tariffs",
        "sites",
        "assets",
        "assets",
        "devices",
    ]


def test_the_schema_knows_every_section_and_kind() -> None:
    schema = document_schema()
    assert set(schema["properties"]) == {"site", "tariffs", "assets", "devices"}
    assert "battery" in schema["$defs"]["Asset"]["properties"]
    role = schema["$defs"]["DeviceFunction"]["properties"]["meter_role"]
    assert role == {"enum": ["main", "part", "check", "sub"]}
