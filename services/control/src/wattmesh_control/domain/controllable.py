"""A device as control sees it: which asset it controls, by what kinds of setpoint, within what."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from wattmesh_control.domain.envelope import Envelope, envelopes_of
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Device, DeviceFunction, SiteModel


@dataclass(frozen=True, kw_only=True, slots=True)
class Steering:
    """One kind of setpoint that a device takes: for which asset, within what."""

    asset: AssetId
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class NotSteered:
    """Why a device takes no such setpoint."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ControllableDevice:
    """A device, how it is reached, and what it takes; empty for one that only measures."""

    device: DeviceId
    gateway: GatewayId
    steerings: Mapping[SetpointKind, Steering]

    def steering(self, kind: SetpointKind) -> Steering | NotSteered:
        """Return how a kind is steered, or why it is not."""
        found = self.steerings.get(kind)
        if found is not None:
            return found
        if not self.steerings:
            return NotSteered(f"{self.device} controls nothing")
        takes = ", ".join(sorted(each.value for each in self.steerings))
        return NotSteered(f"{self.device} takes no {kind.value}; it takes {takes}")


Found: TypeAlias = ControllableDevice | NotSteered


def controllable(model: SiteModel, name: DeviceId, moment: datetime) -> Found:
    """Return a device as it can be steered at `moment`, or why there is none."""
    device = model.devices.get(name)
    if device is None:
        return NotSteered(f"the site model has no {name}")
    steerings = _steerings(model, device, moment)
    return ControllableDevice(device=name, gateway=device.gateway, steerings=steerings)


def _steerings(model: SiteModel, device: Device, moment: datetime) -> dict[SetpointKind, Steering]:
    found: dict[SetpointKind, Steering] = {}
    for function in device.functions:
        if function.controls and function.holds(moment):
            for kind, steering in _by(model, function).items():
                found.setdefault(kind, steering)
    return found


def _by(model: SiteModel, function: DeviceFunction) -> dict[SetpointKind, Steering]:
    asset = model.assets.get(function.asset)
    if asset is None:
        return {}
    return {
        kind: Steering(asset=asset.id, envelope=envelope)
        for kind, envelope in envelopes_of(asset).items()
        if _takes(function, kind)
    }


def _takes(function: DeviceFunction, kind: SetpointKind) -> bool:
    """Return whether a device takes a kind; reactive power only where that is said of it."""
    if function.setpoint_kinds:
        return kind in function.setpoint_kinds
    return kind is not SetpointKind.REACTIVE_POWER_VAR
