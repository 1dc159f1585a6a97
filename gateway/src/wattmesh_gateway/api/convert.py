"""Domain → wire."""

from wattmesh.gateway.v1 import gateway_link_pb2, gateway_pb2
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_gateway.app.tell_status import GatewayStatus
from wattmesh_gateway.domain.device import Presence


def status_to_proto(status: GatewayStatus) -> gateway_pb2.GetGatewayStatusResponse:
    """Return the gateway's state."""
    spool = status.spool
    oldest = spool.oldest_spooled_time
    return gateway_pb2.GetGatewayStatusResponse(
        gateway=status.gateway.name,
        telegrams_received=spool.telegrams_received,
        readings_received=spool.readings_received,
        readings_polled=spool.readings_polled,
        readings_rejected=spool.readings_rejected,
        readings_forwarded=spool.readings_forwarded,
        readings_spooled=spool.readings_spooled,
        devices=[_presence_to_proto(each) for each in status.devices],
        oldest_spooled_time=None if oldest is None else timestamp_to_proto(oldest),
    )


def _presence_to_proto(presence: Presence) -> gateway_link_pb2.DeviceStatus:
    return gateway_link_pb2.DeviceStatus(
        device=presence.device.name,
        online=presence.online,
        change_time=timestamp_to_proto(presence.change_time),
        message=presence.message,
    )
