"""How clean the electricity will be: asked once per zone and interval, for all scopes."""

from datetime import timedelta

from wattmesh_kernel.errors import NotFound, WattmeshError
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.kept_answers import KeptAnswers
from wattmesh_planner.app.ports import Intensities
from wattmesh_planner.domain.facts import Fact, Known, Missing, Reason, Topic, Why
from wattmesh_planner.domain.gaps import complete
from wattmesh_planner.domain.model import ScopeSite
from wattmesh_runtime.aio.tasks import BackgroundTasks


class CarbonFacts:
    """Asks for average intensities; a plan can do without."""

    def __init__(
        self, intensities: Intensities, resolution: timedelta, background: BackgroundTasks
    ) -> None:
        self._intensities = intensities
        self._resolution = resolution
        self._kept: KeptAnswers[tuple[ZoneId, TimeRange], Series] = KeptAnswers(background)

    async def __call__(self, site: ScopeSite, target: TimeRange) -> Fact[Series | None]:
        """Return the average intensity at a site [gCO2e/kWh]; Known(None) where it has no zone."""
        zone = site.site.carbon_zone
        if zone is None:
            return Known(value=None)
        try:
            series = await self._kept.get(
                (zone, target),
                lambda: self._intensities.average(zone, target, self._resolution),
            )
        except NotFound as error:
            return _missing(Reason.NOT_AVAILABLE, error.message)
        except WattmeshError as error:
            return _missing(Reason.SERVICE_UNAVAILABLE, error.message)
        return Known(value=series) if complete(series) else _missing(Reason.INCOMPLETE, zone.name)


def _missing(reason: Reason, detail: str) -> Missing:
    return Missing(why=Why(topic=Topic.CARBON, reason=reason, detail=detail))
