"""What flows at a site: the newest power of its assets, summed by kind, with its age.

Power into an asset is positive. A sum of which one part is not known is not known; the missing
part is counted, never taken for 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from wattmesh_kernel.ids import AssetId, PointId, SiteId
from wattmesh_kernel.sites import (
    Asset,
    BatteryRating,
    DeferrableRating,
    EvChargerRating,
    GeneratorRating,
    GridConnectionRating,
    HvacZoneRating,
    LoadRating,
    MeterRole,
    PvRating,
    Rating,
    SiteModel,
    TankRating,
    WindRating,
)

POWER, SOC = "active_power_w", "soc_ratio"


class FlowKind(Enum):
    """Kinds of assets as people tell them apart."""

    GRID = "grid"
    PV = "pv"
    WIND = "wind"
    GENERATOR = "generator"
    BATTERY = "battery"
    EV = "ev"
    HEAT = "heat"
    LOAD = "load"


_KINDS: Mapping[type[Rating], FlowKind] = {
    GridConnectionRating: FlowKind.GRID,
    PvRating: FlowKind.PV,
    WindRating: FlowKind.WIND,
    GeneratorRating: FlowKind.GENERATOR,
    BatteryRating: FlowKind.BATTERY,
    EvChargerRating: FlowKind.EV,
    HvacZoneRating: FlowKind.HEAT,
    TankRating: FlowKind.HEAT,
    LoadRating: FlowKind.LOAD,
    DeferrableRating: FlowKind.LOAD,
}


@dataclass(frozen=True, slots=True)
class Measured:
    """A value and when it was measured."""

    value: float
    time: datetime


Readings = Mapping[PointId, Measured]


@dataclass(frozen=True, kw_only=True, slots=True)
class KindFlow:
    """What all assets of one kind take (positive) or give [W]; `measured` is the oldest reading."""

    kind: FlowKind
    power_w: float | None
    measured: datetime | None
    reporting_interval: timedelta | None
    assets: int
    silent: int = 0
    soc_ratio: float | None = None
    soc_measured: datetime | None = None
    derived: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteFlow:
    """What flows at one site, by kind."""

    site: SiteId
    flows: tuple[KindFlow, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shown:
    """The newest value of an asset; None: not all of its meters have told one."""

    measured: Measured | None
    interval: timedelta | None


def site_flow(model: SiteModel, site: SiteId, readings: Readings, at: datetime) -> SiteFlow:
    """Return what flows at a site by the newest readings.

    A load that is derived is what the others leave: import 2 kW, PV -3 kW, battery charging 1 kW
    make a load of 4 kW.
    """
    assets = [asset for asset in model.assets_of(site) if not _informational(asset)]
    by_kind: dict[FlowKind, list[Asset]] = {}
    for asset in assets:
        by_kind.setdefault(_KINDS[type(asset.rating)], []).append(asset)
    flows = [
        _kind_flow(kind, by_kind[kind], model, readings, at) for kind in FlowKind if kind in by_kind
    ]
    if any(_derived(asset) for asset in assets):
        flows = [_left_over(each, flows) for each in flows]
    return SiteFlow(site=site, flows=tuple(flows))


def _kind_flow(
    kind: FlowKind, assets: Sequence[Asset], model: SiteModel, readings: Readings, at: datetime
) -> KindFlow:
    metered = [asset for asset in assets if not _derived(asset)]
    shown = [_shown(model, asset.id, POWER, readings, at) for asset in metered]
    known = [each.measured for each in shown if each.measured is not None]
    soc, soc_measured = _soc(metered, model, readings, at)
    return KindFlow(
        kind=kind,
        power_w=sum(each.value for each in known) if len(known) == len(assets) else None,
        measured=min((each.time for each in known), default=None),
        reporting_interval=max((each.interval for each in shown if each.interval), default=None),
        assets=len(assets),
        silent=len(metered) - len(known),
        soc_ratio=soc,
        soc_measured=soc_measured,
    )


def _left_over(flow: KindFlow, flows: Sequence[KindFlow]) -> KindFlow:
    """Return the load of a site where a part of it is what the others leave."""
    if flow.kind is not FlowKind.LOAD:
        return flow
    others = [each for each in flows if each.kind is not FlowKind.LOAD]
    grid = next((each for each in others if each.kind is FlowKind.GRID), None)
    rest = [each for each in others if each.kind is not FlowKind.GRID]
    powers = [each.power_w for each in rest]
    known = [power for power in powers if power is not None]
    whole = grid is not None and grid.power_w is not None and len(known) == len(powers)
    return KindFlow(
        kind=FlowKind.LOAD,
        power_w=grid.power_w - sum(known) if whole and grid and grid.power_w is not None else None,
        measured=min((each.measured for each in others if each.measured), default=None),
        reporting_interval=max(
            (each.reporting_interval for each in others if each.reporting_interval), default=None
        ),
        assets=flow.assets,
        silent=0 if whole else 1,
        derived=True,
    )


def _soc(
    assets: Sequence[Asset], model: SiteModel, readings: Readings, at: datetime
) -> tuple[float | None, datetime | None]:
    """Return the state of charge of storage by capacity, and its oldest time."""
    stores = [(each, each.rating) for each in assets if isinstance(each.rating, BatteryRating)]
    shown = [_shown(model, asset.id, SOC, readings, at).measured for asset, _ in stores]
    known = [each for each in shown if each is not None]
    if not stores or len(known) < len(stores):
        return None, None
    weights = [rating.capacity_wh for _, rating in stores]
    stored = sum(each.value * weight for each, weight in zip(known, weights, strict=True))
    return stored / sum(weights), min(each.time for each in known)


def _shown(
    model: SiteModel, asset: AssetId, quantity: str, readings: Readings, at: datetime
) -> _Shown:
    """Return what shows a quantity of an asset: its main meter, or the sum of its part meters."""
    meters = [each for each in model.meters_of(asset, at) if quantity in each.quantities]
    chosen = [each for each in meters if each.function.meter_role is MeterRole.MAIN][:1]
    chosen = chosen or [each for each in meters if each.function.meter_role is MeterRole.PART]
    values = [readings.get(each.device.point(quantity)) for each in chosen]
    known = [each for each in values if each is not None]
    whole = bool(chosen) and len(known) == len(chosen)
    return _Shown(
        measured=Measured(sum(each.value for each in known), min(each.time for each in known))
        if whole
        else None,
        interval=max((each.device.reporting_interval for each in chosen), default=None),
    )


def _derived(asset: Asset) -> bool:
    return isinstance(asset.rating, LoadRating) and asset.rating.derived


def _informational(asset: Asset) -> bool:
    return isinstance(asset.rating, LoadRating) and asset.rating.informational
