"""What the site model is made of survives the wire, and what makes no sense is refused by field."""

from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from google.protobuf.message import Message
from hypothesis import given, settings

from tests.fakes import site_strategies
from wattmesh.site.v1 import asset_pb2, device_pb2, site_pb2
from wattmesh.type.v1 import electrical_pb2, rating_pb2, setpoint_pb2
from wattmesh_contracts.devices import (
    connection_from_proto,
    connection_to_proto,
    device_from_proto,
    device_to_proto,
)
from wattmesh_contracts.ratings import rating_from_proto, rating_to_proto
from wattmesh_contracts.setpoints import setpoint_kind_from_proto, setpoint_kind_to_proto
from wattmesh_contracts.sites import (
    asset_from_proto,
    asset_to_proto,
    group_from_proto,
    group_to_proto,
    phase_from_proto,
    phase_to_proto,
    site_from_proto,
    site_to_proto,
)
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    RATINGS,
    Asset,
    BatteryRating,
    Connection,
    Device,
    EvChargerRating,
    LoadRating,
    Phase,
    Rating,
    Site,
    SiteGroup,
    TankRating,
)

M = TypeVar("M", bound=Message)
many = settings(max_examples=60, deadline=None)


def sent(proto: M) -> M:
    """Return a message as it arrives at the other end."""
    return type(proto).FromString(proto.SerializeToString())


@many
@given(site_strategies.sites)
def test_a_site_survives_the_wire(site: Site) -> None:
    assert site_from_proto(sent(site_to_proto(site))) == site


@many
@given(site_strategies.groups())
def test_a_group_survives_the_wire_with_the_nodes_of_its_sites(group: SiteGroup) -> None:
    assert group_from_proto(sent(group_to_proto(group))) == group


@settings(max_examples=300, deadline=None)
@given(site_strategies.assets)
def test_an_asset_of_any_kind_survives_the_wire(asset: Asset) -> None:
    assert asset_from_proto(sent(asset_to_proto(asset))) == asset


@settings(max_examples=300, deadline=None)
@given(site_strategies.ratings)
def test_a_rating_of_any_kind_survives_the_wire(rating: Rating) -> None:
    assert rating_from_proto(type(rating), sent(rating_to_proto(rating))) == rating


@many
@given(site_strategies.devices())
def test_a_device_survives_the_wire_with_its_functions(device: Device) -> None:
    assert device_from_proto(sent(device_to_proto(device))) == device


@many
@given(site_strategies.connections)
def test_a_connection_survives_the_wire(connection: Connection) -> None:
    assert connection_from_proto(sent(connection_to_proto(connection))) == connection


def test_every_kind_of_setpoint_and_every_phase_survives_the_wire() -> None:
    for kind in SetpointKind:
        assert setpoint_kind_from_proto(setpoint_kind_to_proto(kind)) is kind
    assert len(setpoint_pb2.SetpointKind.values()) == len(SetpointKind) + 1
    for phase in Phase:
        assert phase_from_proto(phase_to_proto(phase)) is phase
    assert phase_from_proto(electrical_pb2.PHASE_THREE) is Phase.THREE


def test_the_site_model_has_a_rating_for_every_kind_that_the_wire_has() -> None:
    kinds = asset_pb2.Asset.DESCRIPTOR.oneofs_by_name["kind"].fields
    assert {field.name for field in kinds} == set(RATINGS)


def test_the_kernel_has_every_field_of_every_rating_under_the_same_name() -> None:
    for name, kind in RATINGS.items():
        message: Any = asset_pb2.Asset.DESCRIPTOR.fields_by_name[name].message_type
        assert {field.name for field in message.fields} == set(kind.__dataclass_fields__), name


def test_an_absent_field_is_its_default() -> None:
    battery = rating_from_proto(BatteryRating, rating_pb2.BatteryRating(capacity_wh=1))
    assert (battery.charge_efficiency_ratio, battery.discharge_efficiency_ratio) == (1, 1)
    assert (battery.min_soc_ratio, battery.max_soc_ratio) == (0, 1)
    assert battery.max_apparent_power_va is None
    charger = rating_from_proto(EvChargerRating, rating_pb2.EvChargerRating(max_current_a=16))
    assert charger.voltage_v == 230
    assert rating_from_proto(LoadRating, rating_pb2.LoadRating()).critical_ratio == 1
    tank = rating_pb2.TankRating(capacity_wh_per_k=200)
    tank.heater.cop_points.add(cop_ratio=1)
    assert rating_from_proto(TankRating, tank).ambient_temperature_celsius == 20
    modbus = device_pb2.Connection(modbus_tcp=device_pb2.ModbusTcpConnection(host="meter"))
    assert connection_from_proto(modbus) == connection_from_proto(
        device_pb2.Connection(
            modbus_tcp=device_pb2.ModbusTcpConnection(host="meter", port=502, unit_id=1)
        )
    )


def asset_of(kind: str, **values: Any) -> asset_pb2.Asset:
    """Return an asset with a rating that has these values."""
    proto = asset_pb2.Asset(name="sites/a/assets/b")
    rating = getattr(proto, kind)
    rating.SetInParent()
    for name, value in values.items():
        part, _, last = name.rpartition("__")
        setattr(getattr(rating, part) if part else rating, last, value)
    return proto


def with_cop(proto: asset_pb2.Asset, *points: tuple[float, float]) -> asset_pb2.Asset:
    """Return a tank with these COP points."""
    for outdoor, cop in points:
        proto.thermal_tank.heater.cop_points.add(outdoor_temperature_celsius=outdoor, cop_ratio=cop)
    return proto


def with_soc_limits(*socs: float) -> asset_pb2.Asset:
    """Return a battery with limits at these states of charge."""
    proto = asset_of("battery", capacity_wh=1)
    for soc in socs:
        proto.battery.soc_power_limits.add(soc_ratio=soc)
    return proto


@pytest.mark.parametrize(
    ("proto", "field"),
    [
        (asset_pb2.Asset(name="sites/a/assets/b"), "kind"),
        (asset_pb2.Asset(name="sites/a/devices/b", load=rating_pb2.LoadRating()), "name"),
        (asset_of("battery"), "battery.capacity_wh"),
        (asset_of("battery", capacity_wh=float("nan")), "battery.capacity_wh"),
        (asset_of("battery", capacity_wh=float("inf")), "battery.capacity_wh"),
        (asset_of("battery", capacity_wh=1, max_charge_power_w=-1), "battery.max_charge_power_w"),
        (asset_of("battery", capacity_wh=1, min_soc_ratio=0.6, max_soc_ratio=0.5),
         "battery.min_soc_ratio"),
        (asset_of("battery", capacity_wh=1, max_soc_ratio=1.1), "battery.max_soc_ratio"),
        (asset_of("battery", capacity_wh=1, charge_efficiency_ratio=0),
         "battery.charge_efficiency_ratio"),
        (asset_of("battery", capacity_wh=1, self_discharge_ratio_per_hour=1),
         "battery.self_discharge_ratio_per_hour"),
        (asset_of("battery", capacity_wh=1, max_charge_power_w=5, min_charge_power_w=6),
         "battery.min_charge_power_w"),
        (asset_of("battery", capacity_wh=1, max_discharge_power_w=5, max_apparent_power_va=4),
         "battery.max_apparent_power_va"),
        (with_soc_limits(0.5, 0.5), "battery.soc_power_limits"),
        (with_soc_limits(1.5), "battery.soc_power_limits.soc_ratio"),
        (asset_of("ev_charger"), "ev_charger.max_current_a"),
        (asset_of("ev_charger", max_current_a=16, min_current_a=17), "ev_charger.min_current_a"),
        (asset_of("ev_charger", max_current_a=16, voltage_v=0), "ev_charger.voltage_v"),
        (asset_of("pv_array"), "pv_array.peak_power_w"),
        (asset_of("pv_array", peak_power_w=9, max_apparent_power_va=8),
         "pv_array.max_apparent_power_va"),
        (asset_of("pv_array", peak_power_w=9, tilt_degrees=91), "pv_array.tilt_degrees"),
        (asset_of("wind_turbine"), "wind_turbine.max_output_power_w"),
        (asset_of("wind_turbine", max_output_power_w=1, hub_height_m=0),
         "wind_turbine.hub_height_m"),
        (asset_of("load", derived=True, informational=True), "load.informational"),
        (asset_of("load", critical_ratio=2), "load.critical_ratio"),
        (asset_of("grid_connection", max_phase_import_power_w=-1),
         "grid_connection.max_phase_import_power_w"),
        (asset_of("hvac_zone"), "hvac_zone.occupied_band"),
        (asset_of("hvac_zone", occupied_band__min_temperature_celsius=21),
         "hvac_zone.occupied_band.max_temperature_celsius"),
        (asset_of("hvac_zone", occupied_band__max_temperature_celsius=21,
                  heating__max_power_w=2000), "hvac_zone.heating.cop_points"),
        (asset_of("hvac_zone", occupied_band__max_temperature_celsius=21,
                  thermal_model__air_capacity_wh_per_k=2000),
         "hvac_zone.thermal_model.air_outdoor_resistance_k_per_w"),
        (asset_of("thermal_tank", capacity_wh_per_k=200), "thermal_tank.heater"),
        (with_cop(asset_of("thermal_tank", capacity_wh_per_k=200), (5, 3), (0, 2)),
         "thermal_tank.heater.cop_points"),
        (with_cop(asset_of("thermal_tank", capacity_wh_per_k=200), (5, 0)),
         "thermal_tank.heater.cop_points.cop_ratio"),
        (with_cop(asset_of("thermal_tank", capacity_wh_per_k=200, min_temperature_celsius=60,
                           max_temperature_celsius=50), (0, 1)),
         "thermal_tank.max_temperature_celsius"),
        (asset_of("deferrable_load"), "deferrable_load.max_power_w"),
        (asset_of("deferrable_load", max_power_w=1, min_power_w=2), "deferrable_load.min_power_w"),
        (asset_of("generator", max_output_power_w=1, min_output_power_w=2),
         "generator.min_output_power_w"),
        (asset_of("generator", max_output_power_w=1, start_cost=-1), "generator.start_cost"),
    ],
)  # fmt: skip
def test_an_asset_that_makes_no_sense_is_refused_at_its_field(
    proto: asset_pb2.Asset, field: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        asset_from_proto(sent(proto))
    assert refused.value.field == field


def least_device() -> device_pb2.Device:
    """Return the least that a device says."""
    proto = device_pb2.Device(name="sites/a/devices/m", profile="meter", gateway="gateways/g")
    proto.connection.mqtt.address = "meters/m"
    proto.reporting_interval.seconds = 60
    proto.points.add(name="sites/a/devices/m/points/import_energy_wh")
    proto.functions.add(asset="sites/a/assets/g", meter_role=device_pb2.METER_ROLE_MAIN)
    return proto


Damage = Callable[[device_pb2.Device], object]


def ends_before_it_starts(proto: device_pb2.Device) -> None:
    """Let a function end before it starts."""
    proto.functions[0].start_time.seconds = 2
    proto.functions[0].end_time.seconds = 1


@pytest.mark.parametrize(
    ("damage", "field"),
    [
        (lambda p: p.ClearField("profile"), "profile"),
        (lambda p: setattr(p, "gateway", "sites/a"), "gateway"),
        (lambda p: p.ClearField("connection"), "connection.protocol"),
        (lambda p: setattr(p.connection.mqtt, "address", "a/#"), "connection.mqtt.address"),
        (lambda p: setattr(p.connection.mqtt, "address", ""), "connection.mqtt.address"),
        (lambda p: setattr(p.connection.modbus_tcp, "port", 70_000), "connection.modbus_tcp.host"),
        (lambda p: setattr(p.connection.ocpp, "charge_point_id", "cp"),
         "connection.ocpp.connector_id"),
        (lambda p: p.connection.custom.parameters.update({"a": "b"}), "connection.custom.protocol"),
        (lambda p: p.ClearField("reporting_interval"), "reporting_interval"),
        (lambda p: setattr(p.reporting_interval, "nanos", 5000), "reporting_interval"),
        (lambda p: p.points.add(name="sites/a/devices/n/points/soc_ratio"), "points.name"),
        (lambda p: p.points.add(name="sites/a/devices/m/points/nonsense_w"), "points.name"),
        (lambda p: p.points.add(name=p.points[0].name), "points.name"),
        (lambda p: setattr(p.functions[0], "asset", "sites/b/assets/g"), "functions.asset"),
        (lambda p: setattr(p.functions[0], "asset", "meter"), "functions.asset"),
        (lambda p: setattr(p.functions[0], "meter_role", 77), "functions.meter_role"),
        (lambda p: p.functions[0].ClearField("meter_role"), "functions.meter_role"),
        (lambda p: p.functions[0].points.append("soc_ratio"), "functions.points"),
        (lambda p: p.functions[0].setpoint_kinds.append(77), "functions.setpoint_kinds"),
        (ends_before_it_starts, "functions.end_time"),
        (lambda p: setattr(p, "display_name", "x" * 201), "display_name"),
        (lambda p: setattr(p, "serial_number", "two\nlines"), "serial_number"),
    ],
)  # fmt: skip
def test_a_device_that_makes_no_sense_is_refused_at_its_field(damage: Damage, field: str) -> None:
    proto = least_device()
    device_from_proto(proto)
    damage(proto)
    with pytest.raises(InvalidArgument) as refused:
        device_from_proto(sent(proto))
    assert refused.value.field == field


def with_nodes(*nodes: tuple[str, str], **values: Any) -> site_pb2.Site:
    """Return a site with nodes by id and parent."""
    proto = site_pb2.Site(name="sites/a", time_zone="UTC", currency_code="EUR")
    for node, parent in nodes:
        proto.nodes.add(id=node, parent_id=parent, **values)
    return proto


@pytest.mark.parametrize(
    ("proto", "field"),
    [
        (site_pb2.Site(name="sites/a", currency_code="EUR"), "time_zone"),
        (site_pb2.Site(name="sites/a", time_zone="Mars/Base", currency_code="EUR"), "time_zone"),
        (site_pb2.Site(name="sites/a", time_zone="UTC"), "currency_code"),
        (site_pb2.Site(name="sites/a", time_zone="UTC", currency_code="EUR", tariff="x"), "tariff"),
        (site_pb2.Site(name="sites/a", time_zone="UTC", currency_code="EUR", latitude_degrees=91),
         "latitude_degrees"),
        (with_nodes(("a", "b")), "nodes.parent_id"),
        (with_nodes(("a", "b"), ("b", "a")), "nodes.parent_id"),
        (with_nodes(("a", ""), ("a", "")), "nodes.id"),
        (with_nodes(("A", "")), "nodes.id"),
        (with_nodes(("a", ""), max_import_power_w=-1), "nodes.max_import_power_w"),
        (with_nodes(("a", ""), import_efficiency_ratio=1.5), "nodes.import_efficiency_ratio"),
    ],
)  # fmt: skip
def test_a_site_that_makes_no_sense_is_refused_at_its_field(
    proto: site_pb2.Site, field: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        site_from_proto(sent(proto))
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("proto", "field"),
    [
        (site_pb2.SiteGroup(name="groups/g", sites=["sites/a", "sites/a"]), "sites"),
        (site_pb2.SiteGroup(name="groups/g", sites=["homes/a"]), "sites"),
        (site_pb2.SiteGroup(name="groups/g", max_import_power_w=-1), "max_import_power_w"),
        (site_pb2.SiteGroup(name="groups/g", sites=["sites/a"], site_node_ids={"sites/a": "x"}),
         "site_node_ids"),
    ],
)  # fmt: skip
def test_a_group_that_makes_no_sense_is_refused_at_its_field(
    proto: site_pb2.SiteGroup, field: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        group_from_proto(sent(proto))
    assert refused.value.field == field


def test_an_enum_value_that_a_newer_client_says_is_refused_and_not_taken_for_another() -> None:
    with pytest.raises(InvalidArgument):
        phase_from_proto(77)
    for unknown in (0, 77):
        with pytest.raises(InvalidArgument):
            setpoint_kind_from_proto(setpoint_pb2.SetpointKind.ValueType(unknown))
