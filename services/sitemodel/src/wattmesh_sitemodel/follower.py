"""The site model as this process knows it: kept up to date by whoever hears it, read by all.

`SiteModelView` is what use cases hold: the newest model, waiting for something in it, and being
told of changes. It knows no wire; `client.py` fills it from metering, tests fill it by hand.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.sites import PublishedPrices, SiteModel, SiteModelChange


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteModelUpdate:
    """The model as it is now, and the prices published since the update before.

    Of changes that come faster than they are read, only the newest model is seen; published prices
    are never skipped. `heard_all` is false when publications may have gone unheard, after a
    connection was lost: whoever keeps prices then reads them anew.
    """

    model: SiteModel
    published: frozenset[PublishedPrices]
    heard_all: bool


class SiteModelView:
    """The newest known model. Reading it costs nothing and never waits."""

    def __init__(self, clock: Clock, model: SiteModel | None = None) -> None:
        self._clock = clock
        self._model = model or SiteModel()
        self._confirmed: datetime | None = None
        self._news = asyncio.Condition()
        self._published: dict[int, tuple[PublishedPrices, ...]] = {}
        self._turn = 0
        self._gaps: set[int] = set()

    @property
    def model(self) -> SiteModel:
        """The newest model that was heard of; empty with revision 0 before anything was."""
        return self._model

    @property
    def known(self) -> bool:
        """Whether a model was ever heard of, in this run or kept from the run before."""
        return self._model.revision > 0 or self._confirmed is not None

    @property
    def confirmed(self) -> datetime | None:
        """When metering last said that the model is as it is here; None: not in this run."""
        return self._confirmed

    def age(self) -> timedelta | None:
        """Return how long ago the model was last confirmed; None: not in this run."""
        return None if self._confirmed is None else self._clock.now() - self._confirmed

    async def take(self, change: SiteModelChange) -> None:
        """Apply a change and tell everybody."""
        await self._set(self._model.apply(change), change.published)

    async def confirm(self) -> None:
        """Take note that the model is as it is here."""
        self._confirmed = self._clock.now()
        async with self._news:
            self._news.notify_all()

    async def missed(self) -> None:
        """Take note that publications may have gone unheard."""
        self._turn += 1
        self._gaps.add(self._turn)
        async with self._news:
            self._news.notify_all()

    async def wait_known(self) -> SiteModel:
        """Return the model as soon as there is one."""
        return await self.wait_until(lambda model: self.known)

    async def wait_until(
        self, holds: Callable[[SiteModel], bool], within_seconds: float | None = None
    ) -> SiteModel:
        """Return the first model of which `holds` is true.

        Error: Unavailable `SITE_MODEL_BEHIND` when it has not come after `within_seconds` [s of
        the wall].
        """
        try:
            async with asyncio.timeout(within_seconds), self._news:
                await self._news.wait_for(lambda: holds(self._model))
        except TimeoutError:
            raise Unavailable(
                "SITE_MODEL_BEHIND",
                "the site model does not say so yet",
                retry_after=timedelta(seconds=1),
            ) from None
        return self._model

    async def updates(self) -> AsyncIterator[SiteModelUpdate]:
        """Give the model as soon as one is known, then again whenever it has changed."""
        await self.wait_known()
        seen, turn = None, self._turn
        while True:
            async with self._news:
                await self._news.wait_for(lambda: self._model is not seen or self._turn > turn)  # noqa: B023
            since = range(turn + 1, self._turn + 1)
            update = SiteModelUpdate(
                model=self._model,
                published=frozenset(each for at in since for each in self._published.get(at, ())),
                heard_all=not any(at in self._gaps for at in since),
            )
            seen, turn = self._model, self._turn
            yield update

    async def _set(self, model: SiteModel, published: tuple[PublishedPrices, ...]) -> None:
        self._model = model
        self._confirmed = self._clock.now()
        if published:
            self._turn += 1
            self._published[self._turn] = published
            self._forget_old()
        async with self._news:
            self._news.notify_all()

    def _forget_old(self) -> None:
        """Keep the last thousand publications: whoever is further behind is told of a gap."""
        oldest = self._turn - 1000
        if oldest in self._published:
            del self._published[oldest]
            self._gaps = {at for at in self._gaps if at > oldest} | {oldest}


def tariffs_of(published: frozenset[PublishedPrices]) -> frozenset[TariffId]:
    """Return whose prices were published."""
    return frozenset(each.tariff for each in published)
