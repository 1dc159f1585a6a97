"""What forecasting needs to know of an asset: its kind, its clock and its place."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.outcome import NotForecast, Reason
from wattmesh_kernel.errors import InvalidArgument, NotFound
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.sites import Asset, LoadRating, PvRating, Site, SiteModel, WindRating


@dataclass(frozen=True, kw_only=True, slots=True)
class Location:
    """A place: latitude [°], north positive; longitude [°], east positive."""

    latitude_degrees: float
    longitude_degrees: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Plane:
    """How modules stand: tilt from horizontal, and where they face, clockwise from north [°]."""

    tilt_degrees: float
    azimuth_degrees: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """An asset that can be forecast; the location is None where the site model has none."""

    asset: AssetId
    kind: Kind
    zone: ZoneInfo
    location: Location | None
    most_w: float | None = None
    """The most that it can consume or generate, by its rating [W]; None where that is not known."""
    plane: Plane | None = None
    """How the modules of a plant stand; None where the site model does not say."""
    turbine: WindRating | None = None
    """Of a wind turbine: its hub, rotor and power curve, as far as they are known."""

    @property
    def suits_model(self) -> bool:
        """Whether a model can be asked: that of solar plants must be told where the sun stands."""
        return self.kind is Kind.LOAD or (self.kind is Kind.PV and self.location is not None)


def subject_of(asset: AssetId, model: SiteModel) -> Subject | NotForecast:
    """Return what the site model says of an asset, or why it is not forecast."""
    found, site = model.assets.get(asset), model.sites.get(asset.site)
    if found is None or site is None:
        return NotForecast(
            asset=asset, reason=Reason.UNKNOWN_ASSET, message=f"there is no asset {asset.name}"
        )
    kind = _kind_of(found)
    if kind is None:
        return NotForecast(
            asset=asset,
            reason=Reason.KIND_NOT_FORECAST,
            message=f"{asset.name} is a {found.kind}: only loads, PV and wind are forecast",
        )
    return Subject(
        asset=asset,
        kind=kind,
        zone=site.zone,
        location=location_of(site),
        most_w=_most_w(found),
        plane=_plane(found),
        turbine=found.rating if isinstance(found.rating, WindRating) else None,
    )


def required(subject: Subject | NotForecast) -> Subject:
    """Return the subject; NotFound when there is no such asset, InvalidArgument for its kind."""
    if isinstance(subject, Subject):
        return subject
    if subject.reason is Reason.UNKNOWN_ASSET:
        raise NotFound("ASSET_NOT_FOUND", subject.message)
    raise InvalidArgument("NOT_FORECAST", subject.message, field="assets")


def _kind_of(asset: Asset) -> Kind | None:
    match asset.rating:
        case LoadRating():
            return Kind.LOAD
        case PvRating():
            return Kind.PV
        case WindRating():
            return Kind.WIND
        case _:
            return None


def _most_w(asset: Asset) -> float | None:
    match asset.rating:
        case PvRating(output_power_w=most) | WindRating(max_output_power_w=most):
            return most
        case _:
            return None


def _plane(asset: Asset) -> Plane | None:
    rating = asset.rating
    if not isinstance(rating, PvRating):
        return None
    if rating.tilt_degrees is None or rating.azimuth_degrees is None:
        return None
    return Plane(tilt_degrees=rating.tilt_degrees, azimuth_degrees=rating.azimuth_degrees)


def location_of(site: Site) -> Location | None:
    """Return where a site is; None where the site model does not say."""
    latitude, longitude = site.latitude_degrees, site.longitude_degrees
    if latitude is None or longitude is None:
        return None
    return Location(latitude_degrees=latitude, longitude_degrees=longitude)
