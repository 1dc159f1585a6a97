"""Compare what sites came to with what they would have come to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from wattmesh_analytics.app.declared import Declared, check_declared, with_declared
from wattmesh_analytics.app.ports import Emissions, KnownTariffs, Meter
from wattmesh_analytics.app.question import SiteAssets, Span, site_assets
from wattmesh_analytics.app.read_energy import ReadEnergy
from wattmesh_analytics.app.read_rules import ReadRules, Ruled
from wattmesh_analytics.app.read_tariffs import ReadTariffs
from wattmesh_analytics.app.rule_ports import Payments
from wattmesh_analytics.domain.bills import history_start
from wattmesh_analytics.domain.plain_rule import RuleRun
from wattmesh_analytics.domain.prices import last_days_import_price
from wattmesh_analytics.domain.savings import (
    Account,
    LeftOut,
    Savings,
    StoredGain,
    site_savings,
    together,
)
from wattmesh_analytics.domain.site_energy import AssetKind, Counterfactual
from wattmesh_analytics.domain.stored import Storage, stored_gain
from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import AssetId, SiteId, ZoneId
from wattmesh_kernel.money import Money
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import BatteryRating, Site
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
        tariffs: KnownTariffs,
        emissions: Emissions,
        rules: ReadRules,
        payments: Payments | None,
    ) -> None:
        self._clock = clock
        self._view = view
        self._meter = meter
        self._energy = ReadEnergy(meter)
        self._tariffs = ReadTariffs(view, tariffs)
        self._emissions = emissions
        self._rules = rules
        self._payments = payments

    async def __call__(
        self,
        sites: Sequence[SiteId],
        span: Span,
        counterfactual: Counterfactual,
        declared: Declared | None = None,
    ) -> ComparedSites:
        """Return what control saved.

        Errors: as `site_assets` and `check_declared`; NotFound `TARIFF_NOT_FOUND`; InvalidArgument
        when the span is not over, for a site that stands twice and for currencies that differ.
        """
        require(bool(sites), "MISSING_FIELD", "name at least one site", "sites")
        once = len(set(sites)) == len(sites)
        require(once, "REPEATED_SITE", "a site stands once", "sites")
        span.require_past(self._clock)
        changes = declared or {}
        check_declared(changes, sites, span, counterfactual)

        async def one(site: SiteId) -> Savings:
            assets = site_assets(self._view, site)
            return await self._site(assets, span, counterfactual, changes.get(site))

        found = await map_at_most(_AT_ONCE, one, sites)
        return ComparedSites(total=together(found), sites=tuple(found))

    async def _site(
        self,
        assets: SiteAssets,
        span: Span,
        counterfactual: Counterfactual,
        change: Series | None,
    ) -> Savings:
        found = self._tariffs.current(assets.site)
        begin = history_start(found.rules, span.range.start, assets.zone, span.resolution)
        needed = TimeRange(begin, span.range.end)
        tariff, energy = await side_by_side(
            self._tariffs.priced(found, needed), self._energy(assets, needed, span.resolution)
        )
        energy = with_declared(energy, change)
        model = self._view.model
        ruled = await self._rules(model, energy, span.range, counterfactual)
        paid, unpaid = await self._paid(assets.site, tariff.currency_code, span.range)
        savings = site_savings(ruled.energy, tariff, span.range, counterfactual, paid)
        savings = replace(savings, left_out=(*ruled.left_out, *unpaid))
        savings = _with_comfort(savings, ruled)
        zone = assets.site.carbon_zone
        stored, unknown = await self._stored(assets, tariff, span, counterfactual, ruled)
        savings = replace(
            savings,
            avoided_gco2e=await self._avoided(zone, savings),
            metered=await self._with_emissions(zone, savings.metered),
            without=await self._with_emissions(zone, savings.without),
            stored=stored,
            stored_unknown=unknown,
        )
        return replace(savings, carbon=_carbon(assets.site, savings))

    async def _paid(
        self, site: Site, currency_code: str, span: TimeRange
    ) -> tuple[Money | None, tuple[LeftOut, ...]]:
        """Return what demand response paid, and what of it could not be told."""
        if self._payments is None:
            return None, ()
        try:
            group = self._view.model.group_of(site.id)
            found = await self._payments.paid(site.id, span, group)
        except Unavailable as error:
            why = f"what demand response paid is not known: {error.message}"
            return None, (LeftOut(subject=site.id, message=why),)
        own = [each for each in found if each.currency_code == currency_code]
        left: tuple[LeftOut, ...] = ()
        if len(own) < len(found):
            why = f"demand response paid in another currency than {currency_code}"
            left = (LeftOut(subject=site.id, message=why),)
        return (sum(own[1:], own[0]) if own else None), left

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
        self,
        assets: SiteAssets,
        tariff: Tariff,
        span: Span,
        counterfactual: Counterfactual,
        ruled: Ruled,
    ) -> tuple[StoredGain | None, bool]:
        """Return what is left more at the end: in batteries more than at the start, or than the
        plain rule would have left; in zones and vehicles more than by theirs. And whether something
        stores of which that is not known: of what is declared nobody says it.
        """
        if counterfactual is Counterfactual.DECLARED:
            return None, True
        storages: list[Storage] = []
        if AssetKind.STORAGE in counterfactual.kinds:
            by_rule = counterfactual is Counterfactual.SELF_CONSUMPTION
            runs = ruled.energy.rule_runs() if by_rule else {}
            found = await self._storages(assets, span, runs)
            if found is None:
                return None, True
            storages = found
        moves = ruled.energy.charging or ruled.energy.climate
        if not storages and not moves:
            return None, False
        price = last_days_import_price(tariff, span.range, span.resolution, assets.zone)
        return stored_gain(storages, price, tariff.currency_code, ruled.stored_kwh), False

    async def _storages(
        self, assets: SiteAssets, span: Span, runs: Mapping[AssetId, RuleRun]
    ) -> list[Storage] | None:
        """Return how full batteries were at both ends; None: of one of them it is not known."""
        found = list[Storage]()
        for asset, rating in assets.batteries.items():
            storage = await self._storage(asset, rating, span)
            if storage is None:
                return None
            if asset in runs:
                storage = replace(storage, first_soc_ratio=runs[asset].last_soc_ratio)
            found.append(storage)
        return found

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


def _with_comfort(savings: Savings, ruled: Ruled) -> Savings:
    if ruled.discomfort is None:
        return savings
    metered, without = ruled.discomfort
    return replace(
        savings,
        metered=replace(savings.metered, discomfort_kelvin_hours=metered),
        without=replace(savings.without, discomfort_kelvin_hours=without),
    )


def _carbon(site: Site, savings: Savings) -> Money | None:
    """Return what emissions saved are worth by the site's carbon price; None: it has none, or they
    are not known.
    """
    price, before, now = (
        site.goals.carbon_price_per_kg,
        savings.without.emissions_kg,
        savings.metered.emissions_kg,
    )
    if not price or before is None or now is None:
        return None
    amount = Decimal(f"{(before - now) * price:.9f}")
    return Money(amount, savings.metered.cost.currency_code)
