"""What energy costs: tariffs of the site model, and dynamic prices as they are published."""

import operator
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import SiteId, TariffId
from wattmesh_kernel.sites import Site
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.kept_answers import KeptAnswers
from wattmesh_planner.app.ports import Tariffs
from wattmesh_planner.domain.facts import Fact, Known, Missing, Reason, Topic, Why
from wattmesh_planner.domain.model import ScopeSite
from wattmesh_planner.domain.prices import PRICE_HISTORY, PricedTariff, is_dynamic, priced
from wattmesh_runtime.aio.tasks import BackgroundTasks
from wattmesh_sitemodel.view import SiteModelView

_AHEAD = timedelta(days=1)
"""How far beyond a plan prices are read, so that the next plans need not ask again."""
_MOST_PRICED = 512
_PricedKey: TypeAlias = tuple[TariffId | SiteId, str, TimeRange]


@dataclass(frozen=True, slots=True)
class _Published:
    """A tariff with the prices published for a span, read while the model said `base`."""

    base: Tariff
    span: TimeRange
    tariff: Tariff


@dataclass(frozen=True, kw_only=True, slots=True)
class _Contract:
    """What a site pays by as one tariff, of the tariffs that it was made of."""

    site: Site
    tariffs: tuple[Tariff, ...]
    contract: Tariff


class TariffFacts:
    """Keeps tariffs and what they cost over a plan; sites with the same tariff share the work.

    Prices are read once and again when news of a publication comes (`forget`), when the tariff
    changes in the site model, and when a plan reaches beyond what was read.
    """

    def __init__(
        self,
        clock: Clock,
        view: SiteModelView,
        tariffs: Tariffs,
        resolution: timedelta,
        background: BackgroundTasks,
    ) -> None:
        self._clock = clock
        self._view = view
        self._tariffs = tariffs
        self._resolution = resolution
        self._published: KeptAnswers[TariffId, _Published] = KeptAnswers(background, most=1024)
        self._contracts: dict[SiteId, _Contract] = {}
        self._priced: dict[_PricedKey, tuple[Tariff, Fact[PricedTariff]]] = {}

    async def __call__(self, site: ScopeSite, target: TimeRange) -> Fact[PricedTariff | None]:
        """Return what energy costs at a site over `target`; Known(None) where it has no tariff."""
        names = site.site.tariffs
        if not names:
            return Known(value=None)
        tariffs = self._view.model.tariffs
        if unknown := [name for name in names if name not in tariffs]:
            return _missing(Reason.INCOMPLETE_SITE_MODEL, f"there is no {unknown[0]}")
        try:
            found = [await self._with_prices(tariffs[name], target) for name in names]
        except WattmeshError as error:
            return _missing(Reason.SERVICE_UNAVAILABLE, error.message)
        try:
            tariff = self._contract(site.site, found)
        except WattmeshError as error:
            return _missing(Reason.INCOMPLETE_SITE_MODEL, error.message)
        return self._price(tariff, site, target)

    def forget(self, tariffs: Collection[TariffId] | None = None) -> None:
        """Read prices anew when they are needed next: of these tariffs, or (None) of all."""
        self._published.forget(lambda key: tariffs is None or key in tariffs)

    def _contract(self, site: Site, tariffs: Sequence[Tariff]) -> Tariff:
        """Return what a site pays by, as one tariff; the same one while nothing changes."""
        if not site.tariff_assignments:
            return tariffs[0]
        kept = self._contracts.get(site.id)
        same = kept is not None and kept.site is site and len(kept.tariffs) == len(tariffs)
        if kept is not None and same and all(map(operator.is_, kept.tariffs, tariffs)):
            return kept.contract
        contract = site.contract({each.id: each for each in tariffs})
        assert contract is not None  # it has assignments
        self._contracts[site.id] = _Contract(site=site, tariffs=tuple(tariffs), contract=contract)
        return contract

    async def _with_prices(self, base: Tariff, target: TimeRange) -> Tariff:
        if not is_dynamic(base):
            return base
        kept = await self._published.get(base.id, lambda: self._read(base, target))
        if kept.base is not base or not kept.span.covers(_history(target)):
            self._published.drop(base.id, kept)
            kept = await self._published.get(base.id, lambda: self._read(base, target))
        return kept.tariff

    async def _read(self, base: Tariff, target: TimeRange) -> _Published:
        needed = _history(target)
        span = TimeRange(needed.start, needed.end + _AHEAD)
        tariff = await self._tariffs.tariff(base.id, span)
        return _Published(base=base, span=span, tariff=tariff)

    def _price(self, tariff: Tariff, site: ScopeSite, target: TimeRange) -> Fact[PricedTariff]:
        own = site.site.id if site.site.tariff_assignments else tariff.id
        key = (own, site.site.time_zone, target)
        kept = self._priced.get(key)
        if kept is None or kept[0] is not tariff:
            if len(self._priced) >= _MOST_PRICED:
                self._priced.clear()
            fact = priced(tariff, target, self._resolution, site.site.zone, self._clock.now())
            kept = self._priced[key] = (tariff, fact)
        return kept[1]


def _history(target: TimeRange) -> TimeRange:
    return TimeRange(target.start - PRICE_HISTORY, target.end)


def _missing(reason: Reason, detail: str) -> Missing:
    return Missing(why=Why(topic=Topic.TARIFF, reason=reason, detail=detail))
