"""wattmesh.site.v1.Device ↔ the kernel's device."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import assert_never

from wattmesh.site.v1 import device_pb2
from wattmesh_contracts.setpoints import setpoint_kind_from_proto, setpoint_kind_to_proto
from wattmesh_contracts.values import (
    at_field,
    duration_from_proto,
    duration_to_proto,
    optional_datetime_from_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, PointId
from wattmesh_kernel.sites import (
    Connection,
    CustomConnection,
    Device,
    DeviceFunction,
    MeterRole,
    ModbusTcpConnection,
    MqttConnection,
    OcppConnection,
)

_ROLES: Mapping[int, MeterRole | None] = MappingProxyType(
    {
        device_pb2.METER_ROLE_UNSPECIFIED: None,
        device_pb2.METER_ROLE_MAIN: MeterRole.MAIN,
        device_pb2.METER_ROLE_PART: MeterRole.PART,
        device_pb2.METER_ROLE_CHECK: MeterRole.CHECK,
        device_pb2.METER_ROLE_SUB: MeterRole.SUB,
    }
)
_TO_ROLE: Mapping[MeterRole | None, device_pb2.MeterRole.ValueType] = MappingProxyType(
    {
        None: device_pb2.METER_ROLE_UNSPECIFIED,
        MeterRole.MAIN: device_pb2.METER_ROLE_MAIN,
        MeterRole.PART: device_pb2.METER_ROLE_PART,
        MeterRole.CHECK: device_pb2.METER_ROLE_CHECK,
        MeterRole.SUB: device_pb2.METER_ROLE_SUB,
    }
)


def device_from_proto(proto: device_pb2.Device) -> Device:
    """Return a device; InvalidArgument with the field when it makes no sense."""
    device = DeviceId.parse(proto.name)
    return Device(
        id=device,
        display_name=proto.display_name,
        profile=proto.profile,
        gateway=GatewayId.parse(proto.gateway, "gateway"),
        connection=connection_from_proto(proto.connection),
        points=_points_from_proto(device, proto),
        reporting_interval=duration_from_proto(proto.reporting_interval, "reporting_interval"),
        functions=tuple(map(_function_from_proto, proto.functions)),
        manufacturer=proto.manufacturer,
        model=proto.model,
        serial_number=proto.serial_number,
    )


def device_to_proto(device: Device, etag: str = "") -> device_pb2.Device:
    """Return a device as its proto."""
    points = sorted(device.points)
    return device_pb2.Device(
        name=device.name,
        etag=etag,
        display_name=device.display_name,
        profile=device.profile,
        gateway=device.gateway.name,
        connection=connection_to_proto(device.connection),
        points=[device_pb2.Point(name=device.point(point).name) for point in points],
        reporting_interval=duration_to_proto(device.reporting_interval),
        functions=map(_function_to_proto, device.functions),
        manufacturer=device.manufacturer,
        model=device.model,
        serial_number=device.serial_number,
    )


def connection_from_proto(proto: device_pb2.Connection) -> Connection:
    """Return how a device is reached; InvalidArgument when nothing says so."""
    with at_field("connection"):
        return _connection(proto)


def _connection(proto: device_pb2.Connection) -> Connection:
    match proto.WhichOneof("protocol"):
        case "mqtt":
            return MqttConnection(address=proto.mqtt.address)
        case "modbus_tcp":
            modbus = proto.modbus_tcp
            return ModbusTcpConnection(
                host=modbus.host,
                port=modbus.port if modbus.HasField("port") else 502,
                unit_id=modbus.unit_id if modbus.HasField("unit_id") else 1,
            )
        case "ocpp":
            ocpp = proto.ocpp
            return OcppConnection(
                charge_point_id=ocpp.charge_point_id, connector_id=ocpp.connector_id
            )
        case "custom":
            custom = proto.custom
            return CustomConnection(protocol=custom.protocol, parameters=dict(custom.parameters))
        case None:
            raise InvalidArgument(
                "MISSING_FIELD", "a device is reached over one protocol", field="protocol"
            )


def connection_to_proto(connection: Connection) -> device_pb2.Connection:
    """Return how a device is reached as its proto."""
    match connection:
        case MqttConnection(address=address):
            return device_pb2.Connection(mqtt=device_pb2.MqttConnection(address=address))
        case ModbusTcpConnection(host=host, port=port, unit_id=unit):
            modbus = device_pb2.ModbusTcpConnection(host=host, port=port, unit_id=unit)
            return device_pb2.Connection(modbus_tcp=modbus)
        case OcppConnection(charge_point_id=charge_point, connector_id=connector):
            ocpp = device_pb2.OcppConnection(charge_point_id=charge_point, connector_id=connector)
            return device_pb2.Connection(ocpp=ocpp)
        case CustomConnection(protocol=protocol, parameters=parameters):
            custom = device_pb2.CustomConnection(protocol=protocol, parameters=dict(parameters))
            return device_pb2.Connection(custom=custom)
        case _:
            assert_never(connection)


def _points_from_proto(device: DeviceId, proto: device_pb2.Device) -> frozenset[str]:
    points = [PointId.parse(point.name, "points.name") for point in proto.points]
    for point in points:
        own = point.device == device
        require(own, "FOREIGN_POINT", f"{point} is not one of {device}", "points.name")
    once = len(set(points)) == len(points)
    require(once, "REPEATED_POINT", "a point stands once", "points.name")
    return frozenset(point.segment for point in points)


def _function_from_proto(proto: device_pb2.DeviceFunction) -> DeviceFunction:
    require(
        proto.meter_role in _ROLES, "UNKNOWN_VALUE", "no such meter role", "functions.meter_role"
    )
    return DeviceFunction(
        asset=AssetId.parse(proto.asset, "functions.asset"),
        meter_role=_ROLES[proto.meter_role],
        controls=proto.controls,
        points=frozenset(proto.points),
        setpoint_kinds=frozenset(
            setpoint_kind_from_proto(kind, "functions.setpoint_kinds")
            for kind in proto.setpoint_kinds
        ),
        start=optional_datetime_from_proto(
            proto.start_time, present=proto.HasField("start_time"), field="functions.start_time"
        ),
        end=optional_datetime_from_proto(
            proto.end_time, present=proto.HasField("end_time"), field="functions.end_time"
        ),
    )


def _function_to_proto(function: DeviceFunction) -> device_pb2.DeviceFunction:
    kinds = map(setpoint_kind_to_proto, function.setpoint_kinds)
    return device_pb2.DeviceFunction(
        asset=function.asset.name,
        meter_role=_TO_ROLE[function.meter_role],
        controls=function.controls,
        points=sorted(function.points),
        setpoint_kinds=sorted(kinds),
        start_time=timestamp_to_proto(function.start) if function.start else None,
        end_time=timestamp_to_proto(function.end) if function.end else None,
    )
