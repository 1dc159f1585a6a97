"""Sites that are looked at once in a while, a few at a time."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from wattmesh_alerting.domain.condition import Condition, News, survey
from wattmesh_alerting.domain.rules import Rule
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import Unavailable, WattmeshError
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.sites import Site
from wattmesh_sitemodel.view import SiteModelView

log = logging.getLogger(__name__)

AT_ONCE = 20
"""So many sites are judged in one look at most: the rest are in the next ones."""


Judge: TypeAlias = Callable[[Site], Awaitable[Sequence[Condition]]]
"""Says what holds of one site. Error: Unavailable."""


class SiteRounds:
    """Judges each site once in a while, and remembers what it saw of it.

    A site that cannot be judged (it has no tariff, say) stays as it was: it keeps no other waiting.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        judge: Judge,
        view: SiteModelView,
        clock: Clock,
        every: timedelta,
    ) -> None:
        self._rules = tuple(rules)
        self._judge = judge
        self._view = view
        self._clock = clock
        self._every = every
        self._judged: dict[SiteId, datetime] = {}
        self._found: dict[SiteId, Sequence[Condition]] = {}

    async def __call__(self) -> list[News]:
        """Return what holds by all that was seen. Error: Unavailable."""
        sites = self._view.model.sites
        for gone in self._judged.keys() - sites.keys():
            del self._judged[gone]
            self._found.pop(gone, None)
        now = self._clock.now()
        for site in self._due(sites.values(), now):
            try:
                self._found[site.id] = await self._judge(site)
            except Unavailable:
                raise
            except WattmeshError as error:
                log.debug("%s is not judged: %s", site.name, error)
            self._judged[site.id] = now
        found = [each for conditions in self._found.values() for each in conditions]
        return [survey(self._rules, found, now)]

    def _due(self, sites: Iterable[Site], now: datetime) -> list[Site]:
        """Return those whose turn it is, who waited longest first."""
        never = datetime.min.replace(tzinfo=now.tzinfo)
        due = [
            (self._judged.get(site.id, never), site)
            for site in sites
            if site.id not in self._judged or now - self._judged[site.id] >= self._every
        ]
        return [site for _, site in sorted(due, key=lambda each: each[0])[:AT_ONCE]]
