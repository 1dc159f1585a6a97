"""The site model as forecasting sees it: always the newest one that was heard of."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.occupancy.subjects import OccupancySubject, occupancy_subject
from wattmesh_forecast.domain.outcome import NotForecast
from wattmesh_forecast.domain.subjects import (
    Location,
    Subject,
    location_of,
    required,
    subject_of,
)
from wattmesh_forecast.domain.thermal.subjects import ThermalSubject, thermal_subject
from wattmesh_kernel.errors import FailedPrecondition, NotFound, Unavailable
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.sites import SiteModel
from wattmesh_sitemodel.view import SiteModelView


class FollowedSites:
    """Answers from the view that follows metering; keeps nothing of its own."""

    def __init__(self, view: SiteModelView) -> None:
        self._view = view

    def subject(self, asset: AssetId) -> Subject | NotForecast:
        """Return what is known of an asset, or why it is not forecast; Unavailable before all."""
        return subject_of(asset, self._model)

    def required(self, assets: Sequence[AssetId]) -> list[Subject]:
        """Return what is known of assets; NotFound, InvalidArgument, Unavailable."""
        return [required(self.subject(asset)) for asset in assets]

    def of_kind(self, kind: Kind) -> list[Subject]:
        """Return every asset of a kind, by name; Unavailable before all."""
        found = (subject_of(asset, self._model) for asset in sorted(self._model.assets))
        return [each for each in found if isinstance(each, Subject) and each.kind is kind]

    def place(self, site: SiteId) -> Location:
        """Return where a site is; NotFound, FailedPrecondition, Unavailable before all."""
        found = self._model.sites.get(site)
        if found is None:
            raise NotFound("SITE_NOT_FOUND", f"there is no {site.name}")
        place = location_of(found)
        if place is None:
            raise FailedPrecondition(
                "LOCATION_UNKNOWN", f"{site.name} has no latitude and longitude"
            )
        return place

    def occupancy(self, asset: AssetId, at: datetime) -> OccupancySubject | NotForecast:
        """Return who tells of an asset's occupants, or why nobody; Unavailable before all."""
        return occupancy_subject(asset, self._model, at)

    def thermal(self, asset: AssetId, at: datetime) -> ThermalSubject | NotForecast:
        """Return what is known of a zone or tank, or why nothing is; Unavailable before all."""
        return thermal_subject(asset, self._model, at)

    async def newcomers(self) -> AsyncIterator[list[Subject]]:
        """Give what can be forecast: at first all, then whatever is new or has changed."""
        known: dict[AssetId, Subject] = {}
        async for update in self._view.updates():
            found = [subject_of(asset, update.model) for asset in sorted(update.model.assets)]
            subjects = {each.asset: each for each in found if isinstance(each, Subject)}
            if fresh := [each for name, each in subjects.items() if known.get(name) != each]:
                yield fresh
            known = subjects

    @property
    def _model(self) -> SiteModel:
        if not self._view.known:
            raise Unavailable("SITE_MODEL_UNKNOWN", "the site model has not been heard of yet")
        return self._view.model
