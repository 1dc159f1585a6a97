"""Domain → wire."""

from wattmesh.gateway.v1 import gateway_link_pb2, gateway_pb2
from wattmesh_contracts.setpoints import setpoint_kind_to_proto
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_gateway.app.quarantine import QuarantinePage, Replayed
from wattmesh_gateway.app.tell_profiles import ProfilePage
from wattmesh_gateway.app.tell_status import GatewayStatus
from wattmesh_gateway.domain.device import DeviceStatus
from wattmesh_gateway.domain.profile import DeviceProfile
from wattmesh_gateway.domain.telegram import QuarantinedTelegram
from wattmesh_kernel.checks import require
from wattmesh_kernel.ids import DeviceId

_PROFILES = "deviceProfiles/"
_TELEGRAMS = "quarantinedTelegrams/"
_LONGEST_TOKEN = 18


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
        telegrams_quarantined=spool.telegrams_quarantined,
        telegrams_in_quarantine=spool.telegrams_in_quarantine,
        oldest_spooled_time=None if oldest is None else timestamp_to_proto(oldest),
        telegrams_dropped=status.telegrams_dropped,
        listening=status.listening,
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
        tested=profile.tested,
    )


def device_from_parent(parent: str) -> DeviceId | None:
    """Return the device that a request is about; None: all. InvalidArgument when it is none."""
    return DeviceId.parse(parent) if parent else None


def quarantine_position_from_token(token: str) -> int:
    """Return the number after which a page begins; InvalidArgument when it is no token."""
    is_token = len(token) <= _LONGEST_TOKEN and (not token or token.isdecimal())
    require(is_token, "INVALID_PAGE_TOKEN", "the page token is none of ours", "page_token")
    return int(token or 0)


def telegram_number_from_name(name: str) -> int:
    """Return the number of a telegram; InvalidArgument when it is no telegram's name."""
    number = name.removeprefix(_TELEGRAMS)
    is_name = name.startswith(_TELEGRAMS) and number.isdecimal() and len(number) <= _LONGEST_TOKEN
    require(is_name, "INVALID_NAME", f"that does not look like {_TELEGRAMS}{{number}}", "name")
    return int(number)


def quarantine_page_to_proto(page: QuarantinePage) -> gateway_pb2.ListQuarantinedTelegramsResponse:
    """Return some telegrams that were set aside."""
    return gateway_pb2.ListQuarantinedTelegramsResponse(
        quarantined_telegrams=map(quarantined_to_proto, page.telegrams),
        next_page_token="" if page.next_after is None else str(page.next_after),
    )


def quarantined_to_proto(telegram: QuarantinedTelegram) -> gateway_pb2.QuarantinedTelegram:
    """Return a telegram that was set aside."""
    return gateway_pb2.QuarantinedTelegram(
        name=f"{_TELEGRAMS}{telegram.id}",
        origin=telegram.origin,
        device="" if telegram.device is None else telegram.device.name,
        reason=telegram.reason,
        receive_time=timestamp_to_proto(telegram.arrival),
        payload=telegram.payload,
        payload_bytes=telegram.payload_bytes,
    )


def replayed_to_proto(replayed: Replayed) -> gateway_pb2.ReplayQuarantinedTelegramsResponse:
    """Return what came of reading telegrams again."""
    return gateway_pb2.ReplayQuarantinedTelegramsResponse(
        telegrams_replayed=replayed.telegrams,
        telegrams_understood=replayed.understood,
        readings=replayed.readings,
    )


def page_to_proto(page: ProfilePage) -> gateway_pb2.ListDeviceProfilesResponse:
    """Return some profiles."""
    return gateway_pb2.ListDeviceProfilesResponse(
        device_profiles=map(profile_to_proto, page.profiles), next_page_token=page.next_token
    )
