"""Play a scenario through, day by day."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from decimal import Decimal

import numpy as np

from wattmesh_analytics.app.ports import Emissions, KnownTariffs, Meter
from wattmesh_analytics.app.question import SiteAssets, Span, known_model, site_assets
from wattmesh_analytics.app.read_energy import ReadEnergy
from wattmesh_analytics.app.read_tariffs import ReadTariffs
from wattmesh_analytics.app.scenario_ports import Solver
from wattmesh_analytics.domain.bills import cost_of, exact_total, history_start
from wattmesh_analytics.domain.energy import Energy
from wattmesh_analytics.domain.prices import last_days_import_price
from wattmesh_analytics.domain.scenario import (
    Policy,
    Scenario,
    ScenarioResult,
    Window,
    by_rule,
    changed,
    days_with_foresight,
    first_socs,
    peaks_kw,
    usable,
    with_batteries,
)
from wattmesh_analytics.domain.site_energy import SiteEnergy
from wattmesh_kernel.ids import AssetId, TariffId, ZoneId
from wattmesh_kernel.money import Money
from wattmesh_kernel.sites import BatteryRating
from wattmesh_kernel.tariff import BillingState, Tariff, bill
from wattmesh_kernel.time import TimeRange
from wattmesh_sitemodel.view import SiteModelView

Tell = Callable[[float, str], Awaitable[None]]


class PlayScenario:
    """Reads what was metered, changes it, and bills both."""

    def __init__(
        self,
        *,
        view: SiteModelView,
        meter: Meter,
        tariffs: KnownTariffs,
        emissions: Emissions,
        solver: Solver,
    ) -> None:
        self._view = view
        self._meter = meter
        self._energy = ReadEnergy(meter)
        self._tariffs = ReadTariffs(view, tariffs)
        self._emissions = emissions
        self._solver = solver

    def check(self, scenario: Scenario) -> None:
        """Raise what would keep a scenario from being played.

        Errors: as `site_assets`; NotFound `TARIFF_NOT_FOUND`.
        """
        assets = site_assets(self._view, scenario.site)
        self._tariffs.current(assets.site)
        self._tariffs.current(assets.site, scenario.tariff)

    async def __call__(self, scenario: Scenario, tell: Tell) -> ScenarioResult:
        """Return what a scenario came to, telling how far it is.

        Errors: as `check` and `changed`; Unavailable while a service is away.
        """
        span = Span(range=scenario.range, resolution=scenario.resolution)
        assets = site_assets(self._view, scenario.site)
        chosen = await self._tariff(assets, scenario.tariff, span)
        own = await self._tariff(assets, None, span)
        begin = min(start for _, start in (chosen, own))
        await tell(0.0, "reading what was metered")
        needed = TimeRange(begin, span.range.end)
        metered = await self._energy(assets, needed, span.resolution)
        metered = await self._energy.with_charge(known_model(self._view), metered, span.range.start)
        idle = changed(scenario, metered)
        if scenario.policy is Policy.FORESIGHT and idle.ratings:
            ends = await self._charge_at_end(idle, span)
            played = await self._foresee(idle, chosen[0], span, ends, tell)
        else:
            played = by_rule(scenario.policy, idle)
        return await self._result(assets, span, (chosen[0], own[0]), (metered, idle), played)

    async def _tariff(
        self, assets: SiteAssets, named: TariffId | None, span: Span
    ) -> tuple[Tariff, datetime]:
        found = self._tariffs.current(assets.site, named)
        begin = history_start(found.rules, span.range.start, assets.zone, span.resolution)
        return await self._tariffs.priced(found, TimeRange(begin, span.range.end)), begin

    async def _charge_at_end(self, idle: SiteEnergy, span: Span) -> Mapping[AssetId, float]:
        """Return how full batteries were at the end, so that none is emptied to look well."""
        at_end = await self._energy.with_charge(known_model(self._view), idle, span.range.end)
        return {**first_socs(idle), **at_end.first_soc_ratios}

    async def _foresee(
        self,
        idle: SiteEnergy,
        tariff: Tariff,
        span: Span,
        ends: Mapping[AssetId, float],
        tell: Tell,
    ) -> tuple[Energy, dict[AssetId, float], float]:
        """Return exchange, states of charge at the end and energy given [Wh], solved by days.

        What comes before the span is billed for its peaks and tiers alone.
        """
        hours, total = idle.grid.hours, idle.grid
        state = _state_before(tariff, idle, span)
        socs = first_socs(idle)
        net_wh = np.zeros(len(total.import_wh))
        given = 0.0
        for day, known in days_with_foresight(span.range, idle.zone, span.resolution):
            ratio = (day.start - span.range.start) / span.range.duration
            await tell(ratio, f"planning {day.start.astimezone(idle.zone):%Y-%m-%d}")
            at = (day.start - total.range.start) // span.resolution
            keep = day.count(span.resolution)
            count = known.count(span.resolution)
            rest_w = usable(total.net_wh[at : at + count]) / hours
            planned = await self._solver.solve(
                Window(
                    site=idle.site,
                    zone=idle.zone,
                    start=total.range.start + at * span.resolution,
                    resolution=span.resolution,
                    rest_w=rest_w,
                    batteries=idle.ratings,
                    soc_ratios=socs,
                    tariff=tariff,
                    state=state,
                    keep=keep,
                    final_soc_ratios=ends if known.end == span.range.end else {},
                )
            )
            socs = dict(planned.soc_ratios)
            for powers_w in planned.powers_w.values():
                net_wh[at : at + keep] += powers_w * hours
                given += float(np.maximum(-powers_w, 0).sum()) * hours
            done = TimeRange.of(total.range.start + at * span.resolution, keep * span.resolution)
            part = with_batteries(idle, net_wh).window(done)
            state = bill(tariff, part.import_wh, part.export_wh, idle.zone, state).state
        return with_batteries(idle, net_wh), socs, given

    async def _result(
        self,
        assets: SiteAssets,
        span: Span,
        tariffs: tuple[Tariff, Tariff],
        energies: tuple[SiteEnergy, SiteEnergy],
        played: tuple[Energy, dict[AssetId, float], float],
    ) -> ScenarioResult:
        (chosen, own), (metered, idle) = tariffs, energies
        exchange, ends, given = played
        both = metered.grid.known & exchange.known
        was, is_now = metered.grid.only(both), exchange.only(both)
        asked = was.window(span.range), is_now.window(span.range)
        stored = await self._stored(metered, idle, ends, own, span)
        zone = assets.site.carbon_zone
        capacity = sum(rating.capacity_wh for rating in idle.ratings.values())
        imported, exported = asked[1].total_kwh()
        return ScenarioResult(
            cost=_cost(chosen, is_now, idle, span),
            metered=_cost(own, was, idle, span),
            stored=stored,
            emissions_gco2e=await self._grams(zone, asked[1]),
            metered_emissions_gco2e=await self._grams(zone, asked[0]),
            peak_kw=peaks_kw(asked[1]),
            metered_peak_kw=peaks_kw(asked[0]),
            import_kwh=imported,
            export_kwh=exported,
            covered_ratio=float(np.mean(asked[0].known)),
            full_cycles=given / capacity if capacity else None,
        )

    async def _grams(self, zone: ZoneId | None, energy: Energy) -> float | None:
        if zone is None:
            return None
        found = await self._emissions.emissions_kg(zone, energy.import_wh)
        return None if found is None else found * 1000

    async def _stored(
        self,
        metered: SiteEnergy,
        idle: SiteEnergy,
        ends: Mapping[AssetId, float],
        tariff: Tariff,
        span: Span,
    ) -> Money | None:
        """Return what is stored more than was metered at the end, at the last day's mean price."""
        at_end = await self._energy.with_charge(known_model(self._view), metered, span.range.end)
        price = last_days_import_price(tariff, span.range, span.resolution, idle.zone)
        if price is None:
            return None
        more = _gained_wh(idle.ratings, first_socs(idle), ends)
        less = _gained_wh(
            {each: metered.ratings[each] for each in at_end.first_soc_ratios},
            first_socs(metered),
            at_end.first_soc_ratios,
        )
        return Money(Decimal(f"{(more - less) / 1000 * price:.9f}"), tariff.currency_code)


def _gained_wh(
    ratings: Mapping[AssetId, BatteryRating],
    first: Mapping[AssetId, float],
    last: Mapping[AssetId, float],
) -> float:
    """Return what batteries gained, as far as it comes out again [Wh]."""
    return sum(
        (last[each] - first[each]) * rating.capacity_wh * rating.discharge_efficiency_ratio
        for each, rating in ratings.items()
        if each in last and each in first
    )


def _cost(tariff: Tariff, energy: Energy, site: SiteEnergy, span: Span) -> Money:
    bills = cost_of(tariff, energy, site.zone, span.range)
    return Money(exact_total(bills), tariff.currency_code)


def _state_before(tariff: Tariff, energy: SiteEnergy, span: Span) -> BillingState | None:
    if energy.grid.range.start >= span.range.start:
        return None
    before = energy.grid.window(TimeRange(energy.grid.range.start, span.range.start))
    return bill(tariff, before.import_wh, before.export_wh, energy.zone).state
