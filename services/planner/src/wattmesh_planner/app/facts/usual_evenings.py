"""What the sites of an event took in its hours on days before: how high that gets now and then."""

from datetime import datetime, timedelta

import numpy as np

from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.programme_ids import ParticipationId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange, ceil_time, floor_time
from wattmesh_planner.app.energies import Energies
from wattmesh_planner.domain.events import CONFIDENCE_RATIO, GridEvent
from wattmesh_planner.domain.kinds import KINDS
from wattmesh_planner.domain.model import Scope

_DAY = timedelta(days=1)
DAYS = 28
"""How many are looked back at."""
_FEWEST = 7


class UsualEvenings:
    """Tells what loads and generation came to at most, but on one day of ten.

    Forecasts say how sure they are by their own errors; on a day like none before, a holiday, they
    are not that sure, and days before of whatever kind tell more. It is asked for once an event.
    """

    def __init__(self, energies: Energies, resolution: timedelta) -> None:
        self._energies = energies
        self._resolution = resolution
        self._kept: dict[ParticipationId, tuple[TimeRange, Series | None]] = {}

    async def most_w(self, event: GridEvent, scope: Scope, now: datetime) -> Series | None:
        """Return it over the event's hours [W], import positive; None: too few days are known."""
        kept = self._kept.get(event.id)
        if kept is not None and kept[0] == event.span:
            return kept[1]
        try:
            found = await self._most_w(event, scope, now)
        except WattmeshError:  # the next plan asks again; forecasts' own doubt stands meanwhile
            return None
        self._kept = {key: each for key, each in self._kept.items() if each[0].end > now}
        self._kept[event.id] = event.span, found
        return found

    async def _most_w(self, event: GridEvent, scope: Scope, now: datetime) -> Series | None:
        step, assets = self._resolution, _forecast_assets(event, scope)
        span = TimeRange(floor_time(event.span.start, step), ceil_time(event.span.end, step))
        until = floor_time(now, step)
        past = TimeRange(floor_time(span.start - DAYS * _DAY, step), until)
        energies = await self._energies.over(past, assets)
        if not assets or len(energies) < len(assets):
            return None
        net_wh = np.sum([each.net_wh.values for each in energies.values()], axis=0)
        power_w = Series(past.start, step, net_wh / (step / timedelta(hours=1)))
        days = np.array([power_w.window(_before(span, back)).values for back in range(1, DAYS + 1)])
        known = days[np.isfinite(days).all(axis=1)]
        if len(known) < _FEWEST:
            return None
        return Series(span.start, step, np.quantile(known, CONFIDENCE_RATIO, axis=0))


def _before(span: TimeRange, days: int) -> TimeRange:
    return TimeRange(span.start - days * _DAY, span.end - days * _DAY)


def _forecast_assets(event: GridEvent, scope: Scope) -> list[AssetId]:
    return [
        asset.id
        for site in scope.sites
        if event.subject in (scope.name, site.site.name)
        for asset in site.assets
        if KINDS[type(asset.rating)].needs.forecast
    ]
