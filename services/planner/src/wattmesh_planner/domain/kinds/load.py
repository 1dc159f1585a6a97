"""Consumption: forecast, not steered."""

from wattmesh_kernel.sites import LoadRating
from wattmesh_planner.domain.kinds.forecast_kind import ForecastKind
from wattmesh_planner.domain.model import SiteAsset


class LoadKind(ForecastKind):
    """What the site consumes whatever is planned."""

    def counts(self, asset: SiteAsset) -> bool:
        """Not when it is a part of another load, for information only."""
        return isinstance(asset.rating, LoadRating) and not asset.rating.informational
