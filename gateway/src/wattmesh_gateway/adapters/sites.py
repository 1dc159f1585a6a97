"""The devices of this gateway, from metering's SiteService."""

import logging
from collections.abc import Sequence

import grpc

from wattmesh.site.v1 import site_pb2, site_pb2_grpc
from wattmesh_contracts.values import duration_from_proto
from wattmesh_gateway.domain.device import Device, ModbusAddress, ModbusEndpoint, MqttAddress
from wattmesh_kernel.errors import InvalidArgument, WattmeshError
from wattmesh_kernel.ids import DeviceId, GatewayId, PointId
from wattmesh_runtime.errors import rpc_errors

log = logging.getLogger(__name__)


class GrpcSiteDirectory:
    """Lists devices page by page."""

    def __init__(self, channel: grpc.aio.Channel, gateway: GatewayId) -> None:
        self._stub = site_pb2_grpc.SiteServiceStub(channel)
        self._gateway = gateway
        self._complaints: set[str] = set()

    async def list_devices(self) -> Sequence[Device]:
        """Return this gateway's devices by name; one that makes no sense is left out, and said."""
        devices: list[Device] = []
        token = ""
        while True:
            with rpc_errors():
                page = await self._stub.ListDevices(
                    site_pb2.ListDevicesRequest(
                        parent="sites/-", gateway=self._gateway.name, page_token=token
                    )
                )
            for proto in page.devices:
                try:
                    devices.append(device_from_proto(proto))
                except WattmeshError as error:
                    self._complain_once(f"{proto.name}: {error}")
            token = page.next_page_token
            if not token:
                return devices

    def _complain_once(self, complaint: str) -> None:
        if complaint not in self._complaints:
            self._complaints.add(complaint)
            log.error("a device of the site model is left out: %s", complaint)


def device_from_proto(proto: site_pb2.Device) -> Device:
    """Return a device; InvalidArgument when it cannot be talked to."""
    interval = duration_from_proto(proto.reporting_interval, "reporting_interval")
    if interval.total_seconds() <= 0:
        raise InvalidArgument(
            "INVALID_DEVICE", "the reporting interval must be positive", field="reporting_interval"
        )
    return Device(
        id=DeviceId.parse(proto.name),
        profile=proto.profile,
        connection=_connection_from_proto(proto),
        points=frozenset(PointId.parse(point.name).segment for point in proto.points),
        reporting_interval=interval,
    )


def _connection_from_proto(proto: site_pb2.Device) -> MqttAddress | ModbusAddress:
    match proto.WhichOneof("connection"):
        case "mqtt":
            return MqttAddress(address=proto.mqtt.address)
        case "modbus_tcp":
            modbus = proto.modbus_tcp
            return ModbusAddress(
                endpoint=ModbusEndpoint(host=modbus.host, port=modbus.port),
                unit_id=modbus.unit_id,
            )
        case _:
            raise InvalidArgument("INVALID_DEVICE", "it has no connection", field="connection")
