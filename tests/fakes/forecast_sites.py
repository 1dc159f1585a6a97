"""A site model with the sites that forecasting is tested on."""

from collections.abc import Iterable

from tests.fakes.manual_clock import ManualClock
from wattmesh_forecast.app.followed_sites import FollowedSites
from wattmesh_forecast.domain.subjects import Location
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.sites import (
    Asset,
    BatteryRating,
    LoadRating,
    PvRating,
    Rating,
    Site,
    SiteModel,
    SiteModelChange,
    WindRating,
)
from wattmesh_sitemodel.view import SiteModelView

FONTANA = Location(latitude_degrees=34.09, longitude_degrees=-117.43)

_RATINGS: dict[str, Rating] = {
    "load": LoadRating(),
    "pv": PvRating(peak_power_w=4000),
    "wind": WindRating(max_output_power_w=10_000),
    "battery": BatteryRating(capacity_wh=6400, max_charge_power_w=3000, max_discharge_power_w=3000),
}


def site(
    name: SiteId, location: Location | None = FONTANA, zone: str = "America/Los_Angeles"
) -> Site:
    """A site at a place, or at an unknown one."""
    return Site(
        id=name,
        time_zone=zone,
        currency_code="USD",
        latitude_degrees=None if location is None else location.latitude_degrees,
        longitude_degrees=None if location is None else location.longitude_degrees,
    )


def asset(name: AssetId) -> Asset:
    """An asset whose kind its id says: load, pv, wind or battery, perhaps with a number."""
    return Asset(id=name, rating=_RATINGS[name.segment.partition("-")[0]])


def model_of(assets: Iterable[AssetId], location: Location | None = FONTANA) -> SiteModelChange:
    """The change that adds assets and their sites."""
    names = sorted(assets)
    sites = [site(each, location) for each in sorted({name.site for name in names})]
    return SiteModelChange(revision=1, changed=(*sites, *map(asset, names)))


def view_of(assets: Iterable[AssetId], location: Location | None = FONTANA) -> SiteModelView:
    """A view of a model with assets, which a test may change."""
    return SiteModelView(ManualClock(), SiteModel().apply(model_of(assets, location)))


def sites_of(assets: Iterable[AssetId], location: Location | None = FONTANA) -> FollowedSites:
    """Assets as forecasting sees them."""
    return FollowedSites(view_of(assets, location))
