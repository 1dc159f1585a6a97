"""The site model as this process knows it: kept up to date by whoever hears it, read by all.

`SiteModelView` is what use cases hold: the newest model, waiting for something in it, and being
told of changes. It knows no wire; `client.py` fills it from metering, tests fill it by hand.
"""

import asyncio
from collections import deque
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
    are never skipped. `heard_all` is false when publications may have gone unheard, while there was
    no connection or because too many came at once: whoever keeps prices then reads them anew.
    """

    model: SiteModel
    published: frozenset[PublishedPrices]
    heard_all: bool


MOST_REMEMBERED = 1000
"""Publications that are remembered for a slow reader; one that is further behind hears of a gap."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """What was published at a turn; None: a time in which publications may have gone unheard."""

    turn: int
    published: tuple[PublishedPrices, ...] | None


class SiteModelView:
    """The newest known model. Reading it costs nothing and never waits."""

    def __init__(self, clock: Clock, model: SiteModel | None = None) -> None:
        self._clock = clock
        self._model = model or SiteModel()
        self._confirmed: datetime | None = None
        self._news = asyncio.Condition()
        self._turn = 0
        self._heard: deque[_Heard] = deque(maxlen=MOST_REMEMBERED)

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

    async def take(
        self, change: SiteModelChange, *, confirmed: bool = True, after_gap: bool = False
    ) -> None:
        """Apply a change and tell everybody.

        `confirmed`: metering says so, now. `after_gap`: publications may have gone unheard before.
        An empty change at the model's revision confirms it, and tells of no change.
        """
        if confirmed:
            self._confirmed = self._clock.now()
        new = change.snapshot or change.changed or change.deleted
        if new or change.revision != self._model.revision:
            self._model = self._model.apply(change)
        if after_gap:
            self._remember(None)
        if change.published:
            self._remember(change.published)
        async with self._news:
            self._news.notify_all()

    async def missed(self) -> None:
        """Take note that publications may have gone unheard."""
        self._remember(None)
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
                while not holds(model := self._model):
                    await self._news.wait()
        except TimeoutError:
            raise Unavailable(
                "SITE_MODEL_BEHIND",
                "the site model does not say so yet",
                retry_after=timedelta(seconds=1),
            ) from None
        return model

    async def updates(self) -> AsyncIterator[SiteModelUpdate]:
        """Give the model as soon as one is known, then again whenever it has changed."""
        await self.wait_known()
        seen, turn = None, self._turn
        while True:
            async with self._news:
                await self._news.wait_for(lambda: self._model is not seen or self._turn > turn)  # noqa: B023
            update = self._update(turn)
            seen, turn = self._model, self._turn
            yield update

    def _update(self, turn: int) -> SiteModelUpdate:
        """Return the model and what was heard since; what is no longer remembered is a gap."""
        since = [heard for heard in self._heard if heard.turn > turn]
        forgotten = len(since) < self._turn - turn
        return SiteModelUpdate(
            model=self._model,
            published=frozenset(each for heard in since for each in heard.published or ()),
            heard_all=not forgotten and all(heard.published is not None for heard in since),
        )

    def _remember(self, published: tuple[PublishedPrices, ...] | None) -> None:
        self._turn += 1
        self._heard.append(_Heard(self._turn, published))


def tariffs_of(published: frozenset[PublishedPrices]) -> frozenset[TariffId]:
    """Return whose prices were published."""
    return frozenset(each.tariff for each in published)
