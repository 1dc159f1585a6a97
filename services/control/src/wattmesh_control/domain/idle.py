"""What a limit asks of a device that nobody steers: it must not wait for a plan to be kept."""

from collections.abc import Iterator, Mapping

from wattmesh_control.domain.controllable import ControllableDevice, Steering
from wattmesh_control.domain.envelope import Envelope
from wattmesh_control.domain.limits import Accepted, Limit, LimitSet
from wattmesh_control.domain.setpoint import Channel, channel_of
from wattmesh_kernel.setpoints import SetpointKind

_POWER_KINDS = (SetpointKind.CURRENT_A, SetpointKind.ACTIVE_POWER_W, SetpointKind.ON_OFF)


def unbidden(device: ControllableDevice, limit: Limit) -> Iterator[tuple[SetpointKind, float]]:
    """Return what a device is to be told while a limit is in force and nobody steers it.

    One value for each channel that the limit bounds, before it is clamped: what bounds by itself
    (a generation limit, a charger's current, a consumer's power) is opened as far as the limit
    allows; what is obeyed to the letter (a battery's or generator's power) stands still. Nothing
    where the limit is wider than what the device can do.
    """
    for kind in _kinds(device.steerings):
        envelope = device.steerings[kind].envelope
        if kind is SetpointKind.GENERATION_LIMIT_W and limit.min_power_w is None:
            continue
        if kind is SetpointKind.CONSUMPTION_LIMIT_W and limit.max_power_w is None:
            continue
        if _binds(kind, envelope, limit):
            yield kind, _open(kind, envelope)


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


def _open(kind: SetpointKind, envelope: Envelope) -> float:
    to_the_letter = kind is SetpointKind.ACTIVE_POWER_W and envelope.low < 0
    return 0.0 if to_the_letter else envelope.high
