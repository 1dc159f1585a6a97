"""What an update changes, and above all what it leaves as it is."""

from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

from wattmesh.site.v1 import asset_pb2, device_pb2, site_pb2
from wattmesh.type.v1 import electrical_pb2, rating_pb2
from wattmesh_contracts.masks import merged
from wattmesh_kernel.errors import FailedPrecondition, InvalidArgument
from wattmesh_metering.api.convert_record import ASSETS, DEVICES, SITES
from wattmesh_metering.domain.records import Document

BATTERY = asset_pb2.Asset(
    name="sites/s/assets/b",
    display_name="Cellar",
    node_id="panel",
    meter_point_ids=["DE1", "DE2"],
    battery=rating_pb2.BatteryRating(
        capacity_wh=6400,
        max_charge_power_w=5000,
        max_discharge_power_w=4000,
        max_soc_ratio=0.9,
        wear_cost_per_kwh=0.03,
    ),
)


def _changed(**fields: object) -> asset_pb2.Asset:
    changed = asset_pb2.Asset()
    changed.CopyFrom(BATTERY)
    for name, value in fields.items():
        target: Any = changed if name in changed.DESCRIPTOR.fields_by_name else changed.battery
        if value is None:
            target.ClearField(name)
        else:
            setattr(target, name, value)
    return changed


def test_without_a_mask_only_what_is_set_changes_also_inside_of_a_message() -> None:
    given = asset_pb2.Asset(
        display_name="Attic", battery=rating_pb2.BatteryRating(capacity_wh=7000)
    )
    assert merged(BATTERY, given, []) == _changed(display_name="Attic", capacity_wh=7000)


def test_without_a_mask_a_list_is_replaced_not_added_to() -> None:
    given = asset_pb2.Asset(meter_point_ids=["DE3"])
    assert list(merged(BATTERY, given, []).meter_point_ids) == ["DE3"]


def test_a_path_changes_one_field_and_can_clear_it() -> None:
    given = asset_pb2.Asset(
        display_name="Attic", battery=rating_pb2.BatteryRating(capacity_wh=7000)
    )
    assert merged(BATTERY, given, ["battery.capacity_wh"]) == _changed(capacity_wh=7000)
    assert merged(BATTERY, given, ["battery.max_soc_ratio"]) == _changed(max_soc_ratio=None)
    assert merged(BATTERY, given, ["node_id", "display_name"]) == _changed(
        node_id="", display_name="Attic"
    )
    assert merged(BATTERY, asset_pb2.Asset(), ["meter_point_ids"]) == _changed(meter_point_ids=None)


def test_a_star_replaces_the_whole() -> None:
    given = asset_pb2.Asset(name=BATTERY.name, load=rating_pb2.LoadRating())
    assert merged(BATTERY, given, ["*"]) == given


@pytest.mark.parametrize(
    "path",
    ["colour", "battery.colour", "display_name.x", "meter_point_ids.0", "kind", "", "Battery"],
)
def test_a_path_that_leads_nowhere_is_refused_by_name(path: str) -> None:
    with pytest.raises(InvalidArgument, match=path or "''") as caught:
        merged(BATTERY, BATTERY, [path])
    assert caught.value.field == "update_mask"


def test_a_duration_is_replaced_as_a_whole() -> None:
    kept, given = device_pb2.Device(), device_pb2.Device()
    kept.reporting_interval.nanos = 5
    given.reporting_interval.seconds = 60
    assert merged(kept, given, []).reporting_interval == given.reporting_interval


def test_another_protocol_takes_the_place_of_the_one_before() -> None:
    kept, given = device_pb2.Device(), device_pb2.Device()
    kept.connection.mqtt.address = "a"
    given.connection.modbus_tcp.host = "h"
    assert merged(kept, given, []).connection == given.connection


def test_a_kind_never_changes() -> None:
    kept = ASSETS.document(BATTERY)
    given = asset_pb2.Asset(name=BATTERY.name, load=rating_pb2.LoadRating())
    for paths in ([], ["load"], ["*"]):
        with pytest.raises(FailedPrecondition, match="never becomes a load"):
            ASSETS.merge(given, paths)(kept)


def test_an_old_client_wipes_nothing() -> None:
    """Its messages have no nodes, functions, serial numbers or phases: it never heard of them."""
    site = site_pb2.Site(
        name="sites/s",
        time_zone="UTC",
        currency_code="EUR",
        carbon_zone="zones/de",
        nodes=[electrical_pb2.Node(id="panel", max_import_power_w=5000)],
    )
    device = device_pb2.Device(
        name="sites/s/devices/d",
        profile="p",
        gateway="gateways/g",
        serial_number="123",
        points=[device_pb2.Point(name="sites/s/devices/d/points/soc_ratio")],
        functions=[
            device_pb2.DeviceFunction(asset=BATTERY.name, meter_role=device_pb2.METER_ROLE_MAIN)
        ],
    )
    device.connection.mqtt.address = "d"
    device.reporting_interval.seconds = 900
    pairs: list[tuple[Any, Any]] = [(SITES, site), (DEVICES, device), (ASSETS, _changed())]
    for codec, kept in pairs:
        given = type(kept)()
        given.ParseFromString(_old_client(kept.name, "Renamed"))
        document = codec.merge(given, [])(codec.document(kept))
        kept.display_name = "Renamed"
        assert document == codec.document(kept)


def test_what_only_a_newer_client_knows_goes_through_unharmed() -> None:
    """A field that this code has no name for, as seen from a replica that is not renewed yet."""
    sent = BATTERY.SerializeToString() + bytes([0xFA, 0x3F, 0x03]) + b"new"  # field 1023
    document = ASSETS.document(asset_pb2.Asset.FromString(sent))
    renamed = asset_pb2.Asset(name=BATTERY.name, display_name="Attic")
    changed: Document = ASSETS.merge(renamed, [])(document)
    assert b"new" in document.body
    assert b"new" in changed.body
    assert document.etag != ASSETS.document(BATTERY).etag


def _old_client(name: str, display_name: str) -> bytes:
    """What a client sends whose message has but two fields."""
    file = descriptor_pb2.FileDescriptorProto(name="old.proto", package="old", syntax="proto3")
    message = file.message_type.add(name="Resource")
    for number, field in enumerate(("name", "display_name"), start=1):
        message.field.add(name=field, number=number, type=9, label=1)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    kind = message_factory.GetMessageClass(pool.FindMessageTypeByName("old.Resource"))
    resource: Message = kind(name=name, display_name=display_name)
    return resource.SerializeToString()
