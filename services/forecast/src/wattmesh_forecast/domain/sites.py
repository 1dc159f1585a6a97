"""What forecasting needs to know of a site."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from wattmesh_forecast.domain.kinds import Kind
from wattmesh_kernel.errors import FailedPrecondition, InvalidArgument, NotFound
from wattmesh_kernel.ids import AssetId, SiteId


@dataclass(frozen=True, kw_only=True, slots=True)
class Location:
    """A place: latitude [°], north positive; longitude [°], east positive."""

    latitude_degrees: float
    longitude_degrees: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A site with the assets it has; the kind is None for what cannot be forecast."""

    id: SiteId
    zone: ZoneInfo
    location: Location | None
    assets: Mapping[AssetId, Kind | None]

    def kind_of(self, asset: AssetId) -> Kind:
        """Return what is forecast of an asset.

        Errors: NotFound, InvalidArgument for an asset such as a battery, FailedPrecondition for
        solar generation at an unknown place.
        """
        if asset not in self.assets:
            raise NotFound("ASSET_NOT_FOUND", f"there is no asset {asset.name}")
        kind = self.assets[asset]
        if kind is None:
            raise InvalidArgument(
                "NOT_FORECAST",
                f"{asset.name} is neither a load nor a solar plant: nothing to forecast",
                field="assets",
            )
        if kind is Kind.PV and self.location is None:
            raise FailedPrecondition(
                "LOCATION_UNKNOWN", f"{self.id.name} has no latitude and longitude"
            )
        return kind
