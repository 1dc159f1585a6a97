"""Who tells how many people are at an asset."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from wattmesh_forecast.domain.occupancy.sensors import SHARES
from wattmesh_forecast.domain.outcome import NotForecast, Reason
from wattmesh_kernel.ids import AssetId, PointId
from wattmesh_kernel.sites import HvacZoneRating, LoadRating, SiteModel


@dataclass(frozen=True, kw_only=True, slots=True)
class OccupancySubject:
    """An asset at which people are: told by a sensor's `quantity` at `point`, else by a `load`."""

    asset: AssetId
    zone: ZoneInfo
    quantity: str = ""
    point: PointId | None = None
    load: AssetId | None = None


def occupancy_subject(
    asset: AssetId, model: SiteModel, at: datetime
) -> OccupancySubject | NotForecast:
    """Return who tells of an asset's occupants, or why nobody does.

    A sensor of its own goes first; then a load's own shape, or that of a zone's site's first load.
    """
    found, site = model.assets.get(asset), model.sites.get(asset.site)
    if found is None or site is None:
        return NotForecast(
            asset=asset, reason=Reason.UNKNOWN_ASSET, message=f"there is no asset {asset.name}"
        )
    if not isinstance(found.rating, LoadRating | HvacZoneRating):
        return NotForecast(
            asset=asset,
            reason=Reason.KIND_NOT_FORECAST,
            message=f"{asset.name} is a {found.kind}: only loads and zones have occupants",
        )
    for quantity in SHARES:
        if (point := model.point_of(asset, quantity, at)) is not None:
            return OccupancySubject(asset=asset, zone=site.zone, quantity=quantity, point=point)
    loads = sorted(
        each.id for each in model.assets_of(asset.site) if isinstance(each.rating, LoadRating)
    )
    load = asset if asset in loads else next(iter(loads), None)
    if load is None:
        lacks = f"no sensor and no load tells who is in {asset.name}"
        return NotForecast(asset=asset, reason=Reason.INCOMPLETE_SITE_MODEL, message=lacks)
    return OccupancySubject(asset=asset, zone=site.zone, load=load)
