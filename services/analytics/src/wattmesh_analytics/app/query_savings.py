"""Compare what sites came to with what they would have come to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from wattmesh_analytics.app.ports import Emissions, Meter, Tariffs
from wattmesh_analytics.app.question import SiteAssets, Span, site_assets, tariff_of
from wattmesh_analytics.app.read_energy import ReadEnergy
from wattmesh_analytics.domain.bills import history_start
from wattmesh_analytics.domain.plain_rule import RuleRun
from wattmesh_analytics.domain.prices import last_days_import_price
from wattmesh_analytics.domain.savings import Account, Savings, StoredGain, site_savings, together
from wattmesh_analytics.domain.site_energy import Counterfactual
from wattmesh_analytics.domain.stored import Storage, stored_gain
from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import AssetId, SiteId, ZoneId
from wattmesh_kernel.sites import BatteryRating
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.aio.tasks import map_at_most
from wattmesh_runtime.aio.tasks import together as side_by_side
from wattmesh_sitemodel.view import SiteModelView

_AT_ONCE = 20
"""How many sites are asked about at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedSites:
    """The savings of all sites as one, and of each, in the order asked."""

    total: Savings
    sites: tuple[Savings, ...]


class QuerySavings:
    """Bills both sides by the same arithmetic over the same intervals."""

    def __init__(
        self,
        *,
        clock: Clock,
        view: SiteModelView,
        meter: Meter,
        tariffs: Tariffs,
        emissions: Emissions,
    ) -> None:
        self._clock = clock
        self._view = view
        self._meter = meter
        self._energy = ReadEnergy(meter)
        self._tariffs = tariffs
        self._emissions = emissions

    async def __call__(
        self, sites: Sequence[SiteId], span: Span, counterfactual: Counterfactual
    ) -> ComparedSites:
        """Return what control saved.

        Errors: as `site_assets` and `tariff_of`; InvalidArgument when the span is not over, for a
        site that stands twice and for currencies that differ.
        """
        require(bool(sites), "MISSING_FIELD", "name at least one site", "sites")
        once = len(set(sites)) == len(sites)
        require(once, "REPEATED_SITE", "a site stands once", "sites")
        span.require_past(self._clock)

        async def one(site: SiteId) -> Savings:
            return await self._site(site_assets(self._view, site), span, counterfactual)

        found = await map_at_most(_AT_ONCE, one, sites)
        return ComparedSites(total=together(found), sites=tuple(found))

    async def _site(
        self, assets: SiteAssets, span: Span, counterfactual: Counterfactual
    ) -> Savings:
        name = tariff_of(self._view, assets.site)
        rules = self._view.model.tariffs[name]
        begin = history_start(rules, span.range.start, assets.zone, span.resolution)
        needed = TimeRange(begin, span.range.end)
        tariff, energy = await side_by_side(
            self._tariffs.tariff(name, needed), self._energy(assets, needed, span.resolution)
        )
        ruled = counterfactual is Counterfactual.SELF_CONSUMPTION
        if ruled:
            energy = await self._energy.with_charge(self._view.model, energy, span.range.start)
        savings = site_savings(energy, tariff, span.range, counterfactual)
        return replace(
            savings,
            avoided_gco2e=await self._avoided(assets.site.carbon_zone, savings),
            metered=await self._with_emissions(assets.site.carbon_zone, savings.metered),
            without=await self._with_emissions(assets.site.carbon_zone, savings.without),
            stored=await self._stored(assets, tariff, span, energy.rule_runs() if ruled else {}),
        )

    async def _with_emissions(self, zone: ZoneId | None, account: Account) -> Account:
        if zone is None:
            return account
        import_wh = account.energies[0].import_wh
        return replace(account, emissions_kg=await self._emissions.emissions_kg(zone, import_wh))

    async def _avoided(self, zone: ZoneId | None, savings: Savings) -> float | None:
        if zone is None:
            return None
        (metered,), (without,) = savings.metered.energies, savings.without.energies
        less_wh = without.import_wh.values - metered.import_wh.values
        return await self._emissions.avoided_gco2e(zone, metered.import_wh.with_values(less_wh))

    async def _stored(
        self, assets: SiteAssets, tariff: Tariff, span: Span, runs: Mapping[AssetId, RuleRun]
    ) -> StoredGain | None:
        """Return what is stored more at the end; against a rule, more than by the rule."""
        storages = [
            await self._storage(asset, rating, span) for asset, rating in assets.batteries.items()
        ]
        storages = [
            replace(each, first_soc_ratio=runs[asset].last_soc_ratio)
            if each is not None and asset in runs
            else each
            for asset, each in zip(assets.batteries, storages, strict=True)
        ]
        known = [each for each in storages if each is not None]
        if not known or len(known) < len(storages):
            return None
        price = last_days_import_price(tariff, span.range, span.resolution, assets.zone)
        return stored_gain(known, price, tariff.currency_code)

    async def _storage(self, asset: AssetId, rating: BatteryRating, span: Span) -> Storage | None:
        """Return how full a battery was at both ends; None when that is not known."""
        point = self._view.model.point_of(asset, "soc_ratio", span.range.start)
        if point is None:
            return None
        first, last = await side_by_side(
            self._meter.value_at(point, span.range.start),
            self._meter.value_at(point, span.range.end),
        )
        if first is None or last is None:
            return None
        return Storage(rating=rating, first_soc_ratio=first, last_soc_ratio=last)
