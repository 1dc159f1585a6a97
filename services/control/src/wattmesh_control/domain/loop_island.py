"""What a gateway needs to know to run a site without the grid, read off the site model: pure."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from wattmesh_control.domain.controllable import ControllableDevice, controllable
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, SiteId
from wattmesh_kernel.loop_policy import LoopIsland, LoopMember
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    Asset,
    BatteryRating,
    Device,
    Microgrid,
    ModbusTcpConnection,
    SiteModel,
)

_KINDS = (SetpointKind.ON_OFF, SetpointKind.CURRENT_A, SetpointKind.ACTIVE_POWER_W)
"""By what something is switched off, the preferred first: of those that its device takes."""
_SHOWS_GRID = frozenset({"voltage_v", "frequency_hz"})
_SWITCH_WATTS = 1.0
"""A switch has no power of its own."""


def island_of(
    model: SiteModel,
    gateway: GatewayId,
    connection: Asset,
    moment: datetime,
    sample: timedelta,
    kept_off: Collection[DeviceId] = (),
) -> LoopIsland | None:
    """Return how a site goes on without the grid; None when it cannot, or not on this gateway.

    It needs a switch that controls its grid connection, and a meter that shows the grid's voltage
    or frequency; the forming battery is the largest there is. What somebody has stopped or opted
    out, in `kept_off`, is not switched.
    """
    site = model.sites.get(connection.id.site)
    microgrid = None if site is None else site.microgrid
    switch = model.controller_of(connection.id, moment)
    meter = _meter(model, gateway, connection, moment)
    if site is None or microgrid is None or meter is None:
        return None
    if switch is None or switch.gateway != gateway or switch.id in kept_off:
        return None
    battery = _forming(model, gateway, site.id, moment)
    return LoopIsland(
        switch=_switched(switch.id, SetpointKind.ON_OFF, _SWITCH_WATTS),
        grid_meter=meter.id,
        sample_interval=sample if isinstance(meter.connection, ModbusTcpConnection) else None,
        nominal_voltage_v=microgrid.nominal_voltage_v,
        nominal_frequency_hz=microgrid.nominal_frequency_hz,
        reconnect_delay=microgrid.reconnect_delay,
        shed=_shed(model, gateway, microgrid, {switch.id, *kept_off}, moment),
        forming=None if battery is None else battery[0],
        forming_power_w=0.0 if battery is None else battery[1],
    )


def _meter(
    model: SiteModel, gateway: GatewayId, connection: Asset, moment: datetime
) -> Device | None:
    shows = (
        each.device
        for each in model.meters_of(connection.id, moment)
        if each.device.gateway == gateway and each.device.points & _SHOWS_GRID
    )
    return next(shows, None)


def _forming(
    model: SiteModel, gateway: GatewayId, site: SiteId, moment: datetime
) -> tuple[DeviceId, float] | None:
    found = [
        (device.id, asset.rating.max_discharge_power_w)
        for asset in model.assets_of(site)
        if isinstance(asset.rating, BatteryRating)
        and (device := model.controller_of(asset.id, moment)) is not None
        and device.gateway == gateway
    ]
    return max(found, key=lambda each: each[1], default=None)


def _shed(
    model: SiteModel, gateway: GatewayId, microgrid: Microgrid, but: set[DeviceId], moment: datetime
) -> tuple[LoopMember, ...]:
    order = microgrid.restore_assets
    found = (
        _off(model, gateway, each, moment, order.index(each) if each in order else len(order))
        for each in microgrid.shed_assets
    )
    members = [each for each in found if each is not None and each.device not in but]
    return tuple({(each.device, each.channel): each for each in members}.values())


def _off(
    model: SiteModel, gateway: GatewayId, name: AssetId, moment: datetime, rank: int
) -> LoopMember | None:
    """Return what an asset is switched off by, and on again in the turn of its rank."""
    device = model.controller_of(name, moment)
    if device is None or device.gateway != gateway:
        return None
    steered = controllable(model, device.id, moment)
    if not isinstance(steered, ControllableDevice):
        return None
    for kind in _KINDS:
        steering = steered.steerings.get(kind)
        if steering is not None and steering.asset == name:
            envelope = steering.envelope
            watts = envelope.watts_per_unit or _SWITCH_WATTS
            return replace(_switched(device.id, kind, watts, envelope.high), rank=rank)
    return None


def _switched(device: DeviceId, kind: SetpointKind, watts: float, most: float = 1.0) -> LoopMember:
    return LoopMember(
        device=device,
        kind=kind,
        min_value=0.0,
        max_value=max(most, 0.0),
        watts_per_unit=watts,
        safe_value=max(most, 0.0) if kind is SetpointKind.ON_OFF else 0.0,
        idle_value=max(most, 0.0),
        limits_only=True,
    )
