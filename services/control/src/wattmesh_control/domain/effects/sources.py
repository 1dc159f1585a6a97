"""Which meters can see what a command does, by the site model."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wattmesh_kernel.ids import AssetId, DeviceId, PointId, SiteId
from wattmesh_kernel.sites import AssetMeter, GridConnectionRating, MeterRole, SiteModel

_TEMPERATURE, _REACTIVE = "temperature_celsius", "reactive_power_var"
_POWER, _INTO, _OUT, _STORED = (
    "active_power_w",
    "import_energy_wh",
    "export_energy_wh",
    "soc_ratio",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PowerPoints:
    """Where a device's power is read: its gauge, or else its registers."""

    device: DeviceId
    interval: timedelta
    """Readings come so often."""
    power: PointId | None = None
    """A gauge; it may be of something else than power, such as a temperature."""
    into: PointId | None = None
    out: PointId | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """The meters around one command; None: there is none.

    `known`: meters of the site's other assets, by device. `plant`: what the asset draws, where its
    temperature is looked at.
    """

    own: PowerPoints | None = None
    other: PowerPoints | None = None
    plant: PowerPoints | None = None
    grid: PowerPoints | None = None
    known: tuple[PowerPoints, ...] = ()
    stored: PointId | None = None


def sources_of(
    model: SiteModel, device: DeviceId, asset: AssetId, at: datetime, longest_grid: timedelta
) -> Sources:
    """Return what sees a device control an asset.

    A grid meter that reports less often than `longest_grid` is left out: between two of its
    readings a site does too much by itself, and what plans make of it on purpose besides.
    """
    meters = model.meters_of(asset, at)
    own = [each for each in meters if each.device.id == device]
    others = [
        each
        for each in meters
        if each.device.id != device
        and each.function.meter_role in (MeterRole.MAIN, MeterRole.CHECK)
    ]
    grid = _grid(model, device.site, device, at)
    if grid is not None and grid.interval > longest_grid:
        grid = None
    seen = {device, *([grid.device] if grid else [])}
    stored = [each.device.point(_STORED) for each in meters if _STORED in each.quantities]
    return Sources(
        own=_first(own),
        other=_first(others),
        grid=grid,
        known=tuple(
            each for each in _known(model, device.site, asset, at) if each.device not in seen
        ),
        stored=stored[0] if stored else None,
    )


def warmth_sources_of(model: SiteModel, device: DeviceId, asset: AssetId, at: datetime) -> Sources:
    """Return what measures the temperature of an asset, the device and another one, and its power.

    Another device's power goes before the own: the own can invent.
    """
    meters = list(model.meters_of(asset, at))
    apart = [each for each in meters if each.device.id != device]
    found = _gauges(_TEMPERATURE, model, device, asset, at)
    return replace(found, plant=_first(apart) or _first(meters))


def reactive_sources_of(
    model: SiteModel, device: DeviceId, asset: AssetId, at: datetime
) -> Sources:
    """Return what measures the reactive power of an asset: the device itself, and another one."""
    return _gauges(_REACTIVE, model, device, asset, at)


def _gauges(
    quantity: str, model: SiteModel, device: DeviceId, asset: AssetId, at: datetime
) -> Sources:
    found = {
        each.device.id == device: PowerPoints(
            device=each.device.id,
            interval=each.device.reporting_interval,
            power=each.device.point(quantity),
        )
        for each in reversed(model.meters_of(asset, at))
        if quantity in each.quantities
    }
    return Sources(own=found.get(True), other=found.get(False))


def _first(meters: list[AssetMeter]) -> PowerPoints | None:
    found = (points_of(each) for each in meters)
    return next((each for each in found if each is not None), None)


def _grid(model: SiteModel, site: SiteId, device: DeviceId, at: datetime) -> PowerPoints | None:
    meters = [
        each
        for asset in model.assets_of(site)
        if isinstance(asset.rating, GridConnectionRating)
        for each in model.meters_of(asset.id, at)
        if each.device.id != device and each.function.meter_role is MeterRole.MAIN
    ]
    return _first(meters)


def _known(model: SiteModel, site: SiteId, but: AssetId, at: datetime) -> list[PowerPoints]:
    found = [
        _first(
            [x for x in model.meters_of(asset.id, at) if x.function.meter_role is MeterRole.MAIN]
        )
        for asset in model.assets_of(site)
        if asset.id != but and not isinstance(asset.rating, GridConnectionRating)
    ]
    return [each for each in found if each is not None]


def points_of(meter: AssetMeter) -> PowerPoints | None:
    """Return where a meter of an asset shows power; None when it shows none."""
    device, quantities = meter.device, meter.quantities
    if _POWER not in quantities and _INTO not in quantities and _OUT not in quantities:
        return None
    gauge = _POWER in quantities
    return PowerPoints(
        device=device.id,
        interval=device.reporting_interval,
        power=device.point(_POWER) if gauge else None,
        into=device.point(_INTO) if not gauge and _INTO in quantities else None,
        out=device.point(_OUT) if not gauge and _OUT in quantities else None,
    )
