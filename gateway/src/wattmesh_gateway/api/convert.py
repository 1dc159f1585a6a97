"""Domain → wire."""

from wattmesh.gateway.v1 import gateway_link_pb2, gateway_pb2
from wattmesh_contracts.setpoints import setpoint_kind_to_proto
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_gateway.app.tell_profiles import ProfilePage
from wattmesh_gateway.app.tell_status import GatewayStatus
from wattmesh_gateway.domain.device import DeviceStatus
from wattmesh_gateway.domain.profile import DeviceProfile
from wattmesh_kernel.checks import require

_PROFILES = "deviceProfiles/"


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
        devices=[_device_status_to_proto(each) for each in status.devices],
        oldest_spooled_time=None if oldest is None else timestamp_to_proto(oldest),
    )


def _device_status_to_proto(status: DeviceStatus) -> gateway_link_pb2.DeviceStatus:
    return gateway_link_pb2.DeviceStatus(
        device=status.device.name,
        online=status.online,
        change_time=timestamp_to_proto(status.change_time),
        message=status.message,
    )


def profile_name_from_proto(name: str) -> str:
    """Return a profile's own name; InvalidArgument when it is no profile's resource name."""
    own = name.removeprefix(_PROFILES)
    require(
        name.startswith(_PROFILES) and bool(own),
        "INVALID_NAME",
        f"{name!r} does not look like {_PROFILES}{{profile}}",
        "name",
    )
    return own


def profile_to_proto(profile: DeviceProfile) -> gateway_pb2.DeviceProfile:
    """Return what others need to know of a profile."""
    return gateway_pb2.DeviceProfile(
        name=f"{_PROFILES}{profile.name}",
        title=profile.title,
        protocol=profile.protocol,
        quantities=sorted(profile.quantities),
        setpoint_kinds=sorted(map(setpoint_kind_to_proto, profile.setpoint_kinds)),
        source=profile.source,
    )


def page_to_proto(page: ProfilePage) -> gateway_pb2.ListDeviceProfilesResponse:
    """Return some profiles."""
    return gateway_pb2.ListDeviceProfilesResponse(
        device_profiles=map(profile_to_proto, page.profiles), next_page_token=page.next_token
    )
