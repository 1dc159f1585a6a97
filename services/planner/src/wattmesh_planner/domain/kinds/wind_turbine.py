"""Wind generation: forecast, and curtailed where a device can."""

from wattmesh_kernel.sites import WindRating
from wattmesh_planner.domain.kinds.forecast_kind import ForecastKind
from wattmesh_planner.domain.model import SiteAsset


class WindTurbineKind(ForecastKind):
    """Wind."""

    def steers(self, asset: SiteAsset) -> bool:
        """When it is curtailable and a device controls it."""
        curtailable = isinstance(asset.rating, WindRating) and asset.rating.curtailable
        return curtailable and asset.controller is not None
