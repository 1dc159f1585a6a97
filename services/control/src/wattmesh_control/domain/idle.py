"""What a limit asks of a device that nobody steers: it must not wait for a plan to be kept."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from wattmesh_control.domain.controllable import ControllableDevice, Steering
from wattmesh_control.domain.envelope import Envelope
from wattmesh_control.domain.limits import Accepted, Limit, LimitSet
from wattmesh_control.domain.proposal import Origin, Proposal
from wattmesh_control.domain.setpoint import Channel, channel_of
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.time import TimeRange

_POWER_KINDS = (SetpointKind.CURRENT_A, SetpointKind.ACTIVE_POWER_W, SetpointKind.ON_OFF)


def unbidden(device: ControllableDevice, limit: Limit) -> Iterator[tuple[SetpointKind, float]]:
    """Return what a device is to be told while a limit is in force and nobody steers it.

    One value for each channel that the limit bounds, before it is clamped: what bounds by itself
    (a generation limit, a charger's current, a consumer's power) is opened as far as the limit
    allows; what is obeyed to the letter (a battery's or generator's power) stands still. Nothing
    where the limit is wider than what the device can do, nor, for a share of a site's or group's
    limit, what stands still by itself.
    """
    for kind in _kinds(device.steerings):
        envelope = device.steerings[kind].envelope
        if kind is SetpointKind.GENERATION_LIMIT_W and limit.min_power_w is None:
            continue
        if kind is SetpointKind.CONSUMPTION_LIMIT_W and limit.max_power_w is None:
            continue
        still = _to_the_letter(kind, envelope)
        if _binds(kind, envelope, limit) and not (still and limit.parent is not None):
            yield kind, 0.0 if still else envelope.high


def _kinds(steerings: Mapping[SetpointKind, Steering]) -> Iterator[SetpointKind]:
    for kind in steerings:
        if channel_of(kind) in (Channel.GENERATION, Channel.CONSUMPTION):
            yield kind
    power = next((each for each in _POWER_KINDS if each in steerings), None)
    if power is not None:
        yield power


def _binds(kind: SetpointKind, envelope: Envelope, limit: Limit) -> bool:
    if envelope.watts_per_unit is None:
        return False
    bounds = LimitSet(kind, envelope, (limit,))
    ends = (envelope.low, envelope.high)
    return not all(isinstance(bounds.clamp(end), Accepted) for end in ends)


def _to_the_letter(kind: SetpointKind, envelope: Envelope) -> bool:
    return kind is SetpointKind.ACTIVE_POWER_W and envelope.low < 0


def of_idle(
    limit: Limit, device: DeviceId, kind: SetpointKind, value: float, number: int, now: datetime
) -> Proposal:
    """Return what a limit asks of its device while nobody steers it."""
    return Proposal(
        number=number,
        origin=Origin.LIMIT,
        device=device,
        kind=kind,
        owner=limit.owner,
        priority=0,
        source=limit.limit.name,
        request_id=limit.limit.name,
        span=TimeRange(max(now, limit.start_time or now), limit.expire_time),
        value=value,
        accept_time=now,
    )
