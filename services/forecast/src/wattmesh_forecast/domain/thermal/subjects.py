"""What the site model says of a zone or tank: its rating, and where what acts on it is measured."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from wattmesh_forecast.domain.outcome import NotForecast, Reason
from wattmesh_forecast.domain.subjects import Location, location_of
from wattmesh_kernel.ids import AssetId, PointId
from wattmesh_kernel.sites import HvacZoneRating, LoadRating, PvRating, SiteModel, TankRating

TEMPERATURE = "temperature_celsius"
OUTDOOR = "outdoor_temperature_celsius"
IRRADIANCE = "irradiance_w_per_m2"
OCCUPANCY = "occupancy_ratio"
FULL_SUN_W_PER_M2 = 800.0
HALF_HOUR, HOUR = timedelta(minutes=30), timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class PvSun:
    """A solar plant whose power stands for the sun, over its peak power [W]."""

    asset: AssetId
    peak_power_w: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ThermalSubject:
    """A zone or tank, where it is measured, and the raster that its sensors allow.

    `sun` is a point of irradiance, or a solar plant in its place. None: nothing measures it.
    """

    asset: AssetId
    zone: ZoneInfo
    rating: HvacZoneRating | TankRating
    temperature: PointId
    outdoor: PointId | None
    sun: PointId | PvSun | None
    occupancy: PointId | None
    resolution: timedelta
    location: Location | None = None
    loads: tuple[AssetId, ...] = ()
    """What draws power at its site that nobody controls."""
    plants: tuple[AssetId, ...] = ()
    """All zones of its site, with itself. Empty: a tank."""


def thermal_subject(asset: AssetId, model: SiteModel, at: datetime) -> ThermalSubject | NotForecast:
    """Return what is known of a zone or tank, or why nothing can be said of it."""
    found, site = model.assets.get(asset), model.sites.get(asset.site)
    if found is None or site is None:
        return _not(asset, Reason.UNKNOWN_ASSET, f"there is no asset {asset.name}")
    if not isinstance(found.rating, HvacZoneRating | TankRating):
        return _not(asset, Reason.KIND_NOT_FORECAST, f"{asset.name} is neither zone nor tank")
    temperature = model.point_of(asset, TEMPERATURE, at)
    if temperature is None:
        lacks = f"nothing measures the temperature of {asset.name}"
        return _not(asset, Reason.INCOMPLETE_SITE_MODEL, lacks)
    zoned = isinstance(found.rating, HvacZoneRating)
    reports = model.devices[temperature.device].reporting_interval
    return ThermalSubject(
        asset=asset,
        zone=site.zone,
        rating=found.rating,
        temperature=temperature,
        outdoor=_of_site(asset, OUTDOOR, model, at),
        sun=_sun(asset, model, at),
        occupancy=model.point_of(asset, OCCUPANCY, at),
        location=location_of(site),
        resolution=HALF_HOUR if reports <= HALF_HOUR else HOUR,
        loads=_rated(asset, LoadRating, model) if zoned else (),
        plants=_rated(asset, HvacZoneRating, model) if zoned else (),
    )


def _rated(asset: AssetId, rating: type, model: SiteModel) -> tuple[AssetId, ...]:
    """Return what of a kind is at the site of an asset, by name."""
    return tuple(
        sorted(each.id for each in model.assets_of(asset.site) if isinstance(each.rating, rating))
    )


def _sun(asset: AssetId, model: SiteModel, at: datetime) -> PointId | PvSun | None:
    """Return what measures the sun at its site: irradiance, else the largest solar plant."""
    point = _of_site(asset, IRRADIANCE, model, at)
    if point is not None:
        return point
    plants = [
        PvSun(asset=each.id, peak_power_w=each.rating.peak_power_w)
        for each in model.assets_of(asset.site)
        if isinstance(each.rating, PvRating)
    ]
    return max(plants, key=lambda each: each.peak_power_w, default=None)


def _of_site(asset: AssetId, quantity: str, model: SiteModel, at: datetime) -> PointId | None:
    """Return where the asset itself is measured, else any other of its site, the first by name."""
    names = [asset, *sorted(each.id for each in model.assets_of(asset.site))]
    points = (model.point_of(name, quantity, at) for name in names)
    return next((point for point in points if point is not None), None)


def _not(asset: AssetId, reason: Reason, message: str) -> NotForecast:
    return NotForecast(asset=asset, reason=reason, message=message)
