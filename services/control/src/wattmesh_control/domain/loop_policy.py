"""What a gateway may do by itself at its sites, by what is known of them: pure."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from wattmesh_control.domain.controllable import (
    ControllableDevice,
    NotSteered,
    Steering,
    controllable,
)
from wattmesh_control.domain.exchange import StandingExchange, exchange_of, worths_of
from wattmesh_control.domain.limits import Limit
from wattmesh_control.domain.loop_bounds import bounds_of, target_of
from wattmesh_control.domain.loop_island import island_of
from wattmesh_kernel.ids import DeviceId, GatewayId, SiteId
from wattmesh_kernel.loop_policy import POWER_OF_PHASE, LoopLimit, LoopMember, LoopMeter, LoopPolicy
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    Asset,
    BatteryRating,
    Device,
    EvChargerRating,
    GridConnectionRating,
    MeterRole,
    ModbusTcpConnection,
    Phase,
    PvRating,
    SiteModel,
    WindRating,
)

_POWER = POWER_OF_PHASE[Phase.THREE]
_ROLES = (MeterRole.MAIN, MeterRole.CHECK)
_KINDS: dict[type, tuple[SetpointKind, ...]] = {
    BatteryRating: (SetpointKind.ACTIVE_POWER_W,),
    EvChargerRating: (SetpointKind.CURRENT_A, SetpointKind.ACTIVE_POWER_W),
    PvRating: (SetpointKind.GENERATION_LIMIT_W,),
    WindRating: (SetpointKind.GENERATION_LIMIT_W,),
}
"""What a loop tells each kind of asset, the preferred first: of those that its device takes."""
_FASTEST_CLOCK = 4.0
"""How much faster than the wall a clock may be for a loop to take times as they are."""
_RANKS: dict[type, int] = {BatteryRating: 0, EvChargerRating: 1, PvRating: 2, WindRating: 2}
"""A battery serves before a vehicle has to wait, and before generation is given up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopRule:
    """How loops are to be, whatever the site.

    `slowest_meter`: one whose messages come less often guards nothing, if it cannot be asked.
    """

    lease: timedelta = timedelta(days=1)
    slowest_meter: timedelta = timedelta(seconds=10)
    sample: timedelta = timedelta(seconds=1)
    grid_sample: timedelta = timedelta(milliseconds=250)
    """How often the grid's voltage and frequency are asked, where a site can do without it."""
    settling: timedelta = timedelta(seconds=2)
    setpoint_lease: timedelta = timedelta(seconds=60)
    ramp: timedelta | None = None
    """How long a member takes at least from nothing to its largest power; None: no time."""
    dead_band_ratio: float = 0.005
    least_dead_band_w: float = 50.0
    stale: timedelta | None = None
    """What a meter may be silent at least; None: as long as the slowest."""
    stores_alone: bool = False
    """Whether nothing but stores is steered."""

    def on(self, rate: float) -> "LoopRule":
        """Return how loops are on a clock that runs `rate` times as fast as the wall.

        Asking a meter, telling a device and waiting for either take their time on the wall. A
        battery is told something in a moment; charge points, for which that is minutes of such a
        clock, are left to their commands.
        """
        if rate <= _FASTEST_CLOCK:
            return self
        second = timedelta(seconds=rate)
        return replace(
            self,
            slowest_meter=0.2 * second,
            sample=0.2 * second,
            grid_sample=0.2 * second,
            settling=0.1 * second,
            setpoint_lease=min(60 * second, timedelta(hours=12)),
            stale=5 * second,
            stores_alone=True,
        )


def loop_policies(
    model: SiteModel,
    gateway: GatewayId,
    limits: Collection[Limit],
    moment: datetime,
    rule: LoopRule,
    kept_off: Collection[DeviceId] = (),
    exchanges: Collection[StandingExchange] = (),
    conductors: Mapping[DeviceId, Phase] = MappingProxyType({}),
) -> tuple[LoopPolicy, ...]:
    """Return the policies of a gateway's sites.

    A site has one when its grid connection has a limit, by its rating, an owner (`limits`) or a
    plan (`exchanges`), a plan says what is exchanged there or what energy is worth, or the site can
    do without the grid; when a meter on this gateway shows its power often enough, and there is
    something to steer. What somebody has stopped or opted out, in `kept_off`, is steered by no loop
    either. `conductors` are those in which what a device is told flows, where they are fewer than
    it has: an ampere of a vehicle on one of three is a third of the power.
    """
    sites = sorted({each.id.site for each in model.devices_of_gateway(gateway)}, key=str)
    found = (
        _policy(model, gateway, site, limits, moment, rule, kept_off, exchanges, conductors)
        for site in sites
    )
    return tuple(each for each in found if each is not None)


def _policy(
    model: SiteModel,
    gateway: GatewayId,
    site: SiteId,
    limits: Collection[Limit],
    moment: datetime,
    rule: LoopRule,
    kept_off: Collection[DeviceId],
    exchanges: Collection[StandingExchange],
    conductors: Mapping[DeviceId, Phase],
) -> LoopPolicy | None:
    connections = [
        each for each in model.assets_of(site) if isinstance(each.rating, GridConnectionRating)
    ]
    if len(connections) != 1:
        return None
    meters = _meters(model, gateway, connections[0], moment, rule)
    planned = exchange_of(site, exchanges, moment)
    bounds = bounds_of(connections[0], meters, limits, planned)
    members = tuple(
        _ramped(each, rule)
        for each in _members(model, gateway, site, bounds, limits, moment, conductors)
        if each.device not in kept_off and not (each.limits_only and rule.stores_alone)
    )
    target, target_expire = target_of(planned)
    worths = worths_of(site, exchanges, moment)
    island = island_of(model, gateway, connections[0], moment, rule.grid_sample, kept_off)
    if not (meters and members and (bounds or target or worths or island)):
        return None
    powers = [each.max_import_power_w or each.max_export_power_w or 0.0 for each in bounds]
    largest = max(powers, default=0.0)
    slowest = max(
        rule.sample if _sampled(each, rule) else each.reporting_interval for each in meters
    )
    return LoopPolicy(
        site=site,
        lease=rule.lease,
        meters=tuple(
            LoopMeter(device=each.id, sample_interval=rule.sample if _sampled(each, rule) else None)
            for each in meters
        ),
        limits=bounds,
        members=members,
        target=target,
        target_expire=target_expire,
        dead_band_w=max(rule.dead_band_ratio * largest, rule.least_dead_band_w),
        settling=rule.settling,
        stale_after=max(3 * slowest, rule.stale or rule.slowest_meter),
        setpoint_lease=rule.setpoint_lease,
        worths=worths,
        island=island,
    )


def _meters(
    model: SiteModel, gateway: GatewayId, connection: Asset, moment: datetime, rule: LoopRule
) -> list[Device]:
    """Return the connection's meters, main before check."""
    meters = [
        each
        for each in model.meters_of(connection.id, moment)
        if each.function.meter_role in _ROLES and _POWER in each.quantities
    ]
    meters.sort(key=lambda each: each.function.meter_role is not MeterRole.MAIN)
    quick = [each.device for each in meters if _quick(each.device, rule)]
    return [each for each in dict.fromkeys(quick) if each.gateway == gateway]


def _quick(device: Device, rule: LoopRule) -> bool:
    return _sampled(device, rule) or device.reporting_interval <= rule.slowest_meter


def _sampled(device: Device, rule: LoopRule) -> bool:
    """Return whether the loop asks a meter itself, as it answers and is polled less often."""
    answers = isinstance(device.connection, ModbusTcpConnection)
    return answers and device.reporting_interval > rule.sample


def _ramped(member: LoopMember, rule: LoopRule) -> LoopMember:
    if rule.ramp is None:
        return member
    largest_w = max(map(abs, member.powers_w))
    ramp = largest_w / rule.ramp.total_seconds()
    return replace(member, max_ramp_w_per_second=ramp) if ramp > 0 else member


def _members(
    model: SiteModel,
    gateway: GatewayId,
    site: SiteId,
    bounds: Sequence[LoopLimit],
    limits: Collection[Limit],
    moment: datetime,
    conductors: Mapping[DeviceId, Phase],
) -> tuple[LoopMember, ...]:
    found = []
    for device in model.devices_of_site(site):
        steered = controllable(model, device.id, moment)
        if device.gateway != gateway or isinstance(steered, NotSteered):
            continue
        own = [each for each in limits if each.device == device.id]
        for kind, asset in _told(model, steered):
            steering, phase = steered.steerings[kind], asset.phase
            if kind is SetpointKind.CURRENT_A and phase is Phase.THREE:
                phase = conductors.get(device.id, phase)
            found.append(_member(device, kind, steering, asset, phase, bounds, own, moment))
    return tuple({(each.device, each.channel): each for each in found if each}.values())


def _told(model: SiteModel, steered: ControllableDevice) -> Iterator[tuple[SetpointKind, Asset]]:
    """Give by what kinds a loop steers a device, each with its asset; one for each channel."""
    for rating, kinds in _KINDS.items():
        for kind in kinds:
            steering = steered.steerings.get(kind)
            if steering is not None and type(model.assets[steering.asset].rating) is rating:
                yield kind, model.assets[steering.asset]
                break


def _member(
    device: Device,
    kind: SetpointKind,
    steering: Steering,
    asset: Asset,
    phase: Phase,
    bounds: Iterable[LoopLimit],
    limits: Iterable[Limit],
    moment: datetime,
) -> LoopMember | None:
    envelope = steering.envelope.on(phase)
    watts = envelope.watts_per_unit or 1.0
    low, high = envelope.low, envelope.high
    for limit in limits:
        if limit.in_force(moment):
            ends = (
                (-math.inf if limit.min_power_w is None else limit.min_power_w) / watts,
                (math.inf if limit.max_power_w is None else limit.max_power_w) / watts,
            )
            low, high = max(low, min(ends)), min(high, max(ends))
    if low > high:
        return None
    least, most = _soc_window(asset)
    nothing = min(max(0.0, low), high)
    return LoopMember(
        device=device.id,
        kind=kind,
        min_value=low,
        max_value=high,
        gap=envelope.gap,
        watts_per_unit=watts,
        phase=phase,
        safe_value=_safe_value(kind, nothing, high, bounds),
        idle_value=nothing if isinstance(asset.rating, BatteryRating) else high,
        rank=_RANKS[type(asset.rating)],
        min_soc_ratio=least,
        max_soc_ratio=most,
        limits_only=not isinstance(asset.rating, BatteryRating),
    )


def _safe_value(
    kind: SetpointKind, nothing: float, high: float, bounds: Iterable[LoopLimit]
) -> float:
    """Return what keeps limits whatever the rest of the site does, as far as one device can.

    Generation that is not more than may be exported overloads nothing; whatever draws stands still.
    """
    if kind is not SetpointKind.GENERATION_LIMIT_W:
        return nothing
    exports = [each.max_export_power_w for each in bounds if each.max_export_power_w is not None]
    return max(min([high, *exports]), nothing)


def _soc_window(asset: Asset) -> tuple[float | None, float | None]:
    if isinstance(asset.rating, BatteryRating):
        return asset.rating.min_soc_ratio, asset.rating.max_soc_ratio
    return None, None
