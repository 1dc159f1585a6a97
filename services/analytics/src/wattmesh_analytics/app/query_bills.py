"""Bill a site for past time."""

from dataclasses import dataclass
from datetime import datetime

from wattmesh_analytics.app.ports import KnownTariffs
from wattmesh_analytics.app.question import Span, site_assets
from wattmesh_analytics.app.read_energy import ReadEnergy
from wattmesh_analytics.app.read_rules import ReadRules
from wattmesh_analytics.app.read_tariffs import ReadTariffs
from wattmesh_analytics.domain.bills import PeriodBill, bill_by_period, history_start
from wattmesh_analytics.domain.savings import LeftOut
from wattmesh_analytics.domain.site_energy import Counterfactual
from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import SiteId, TariffId
from wattmesh_kernel.time import TimeRange
from wattmesh_sitemodel.view import SiteModelView


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteBills:
    """The bills of a site, oldest first; `tariff` is the one that holds when they end."""

    site: SiteId
    tariff: TariffId
    bills: tuple[PeriodBill, ...]
    left_out: tuple[LeftOut, ...] = ()
    """What the counterfactual had to leave as it was metered."""


class QueryBills:
    """Bills what was metered, or would have been, by the site's tariff or another."""

    def __init__(
        self,
        *,
        clock: Clock,
        view: SiteModelView,
        energy: ReadEnergy,
        tariffs: KnownTariffs,
        rules: ReadRules,
    ) -> None:
        self._clock = clock
        self._view = view
        self._energy = energy
        self._tariffs = ReadTariffs(view, tariffs)
        self._rules = rules

    async def __call__(
        self,
        site: SiteId,
        span: Span,
        tariff: TariffId | None = None,
        counterfactual: Counterfactual | None = None,
        as_of: datetime | None = None,
        *,
        substitutes: bool = False,
    ) -> SiteBills:
        """Return one bill for each billing period that `span` touches, as known then.

        `substitutes`: gaps are billed by what validation put in their place, and say so.

        Errors: as `site_assets`; NotFound `TARIFF_NOT_FOUND`; InvalidArgument when the
        span is not over.
        """
        require(
            counterfactual is not Counterfactual.DECLARED,
            "UNKNOWN_VALUE",
            "what is declared is asked of savings, not of bills",
            "counterfactual",
        )
        span.require_past(self._clock)
        assets = site_assets(self._view, site)
        found = await self._tariffs.rules(assets.site, tariff, as_of)
        begin = history_start(found.rules, span.range.start, assets.zone, span.resolution)
        needed = TimeRange(begin, span.range.end)
        priced = await self._tariffs.priced(found, needed)
        energy = await self._energy(assets, needed, span.resolution, as_of, substitutes=substitutes)
        ruled = await self._rules(self._view.model, energy, span.range, counterfactual, as_of)
        exchange = ruled.energy.exchange(counterfactual)
        bills = bill_by_period(priced, exchange, assets.zone, span.range)
        return SiteBills(
            site=site,
            tariff=found.name_over(span.range),
            bills=tuple(bills),
            left_out=ruled.left_out,
        )
