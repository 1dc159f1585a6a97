"""Reading ahead, so that the first forecast comes as fast as every other."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from wattmesh_forecast.app.followed_sites import FollowedSites
from wattmesh_forecast.app.past import Past
from wattmesh_forecast.domain.outcome import NotForecast
from wattmesh_forecast.domain.subjects import Subject
from wattmesh_kernel.clock import Clock

log = logging.getLogger(__name__)


class WarmUp:
    """Reads the past of what can be forecast as soon as the site model has it.

    What cannot be read, and what comes in too great a number, is read when it is needed.
    """

    def __init__(self, *, sites: FollowedSites, past: Past, clock: Clock, most_assets: int) -> None:
        self._sites = sites
        self._past = past
        self._clock = clock
        self._most_assets = most_assets

    async def __call__(self) -> None:
        """Read ahead for ever."""
        async for subjects in self._sites.newcomers():
            if len(subjects) <= self._most_assets:
                await self._read(subjects)

    async def _read(self, subjects: Sequence[Subject]) -> None:
        now = self._clock.now()
        past = await self._past.until(subjects, now, now + timedelta(days=1))
        unread = sum(isinstance(each, NotForecast) for each in past.values())
        log.info("read the past of %d assets ahead", len(past) - unread)
