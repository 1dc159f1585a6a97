"""Play a scenario through, day by day."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import numpy as np

from wattmesh_analytics.app.foresee import Foresee, Tell
from wattmesh_analytics.app.ports import Emissions, KnownTariffs, Meter
from wattmesh_analytics.app.question import SiteAssets, Span, known_model, site_assets
from wattmesh_analytics.app.read_energy import ReadEnergy
from wattmesh_analytics.app.read_movable import Changes, ReadMovable
from wattmesh_analytics.app.read_rules import ReadRules
from wattmesh_analytics.app.read_shiftable import ReadShiftable
from wattmesh_analytics.app.read_tariffs import ReadTariffs
from wattmesh_analytics.app.scenario_ports import Solver
from wattmesh_analytics.domain.bills import cost_of, exact_total, history_start
from wattmesh_analytics.domain.energy import Energy
from wattmesh_analytics.domain.prices import last_days_import_price
from wattmesh_analytics.domain.scenario import (
    Policy,
    Scenario,
    ScenarioResult,
    by_rule,
    changed,
    first_socs,
    peaks_kw,
)
from wattmesh_analytics.domain.site_energy import SiteEnergy
from wattmesh_kernel.ids import AssetId, TariffId, ZoneId
from wattmesh_kernel.money import Money
from wattmesh_kernel.sites import BatteryRating
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_sitemodel.view import SiteModelView

Played = tuple[Energy, dict[AssetId, float], float]
"""Exchange, states of charge at the end, and energy that batteries gave [Wh]."""


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
        rules: ReadRules,
        shiftable: ReadShiftable,
    ) -> None:
        self._view = view
        self._meter = meter
        self._energy = ReadEnergy(meter)
        self._tariffs = ReadTariffs(view, tariffs)
        self._emissions = emissions
        self._foresee = Foresee(solver)
        self._movable = ReadMovable(rules, shiftable)

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
        changes = await self._movable(known_model(self._view), scenario, idle)
        played = await self._play(scenario, changes, chosen[0], span, tell)
        return await self._result(
            assets, span, (chosen[0], own[0]), (metered, idle), played, changes
        )

    async def _play(
        self, scenario: Scenario, changes: Changes, tariff: Tariff, span: Span, tell: Tell
    ) -> Played:
        """Return exchange, states of charge at the end and energy given [Wh]."""
        rest, movable = changes.rest, changes.movable
        planned = scenario.policy is Policy.FORESIGHT and bool(rest.ratings)
        if planned:
            movable.batteries = rest.ratings
            movable.socs = first_socs(rest)
            movable.ends = await self._charge_at_end(rest, span)
        if movable.anything:
            exchange = await self._foresee(rest, movable, tariff, span, tell)
            if planned:
                return exchange, movable.socs, movable.given_wh
            rest = replace(rest, grid=exchange)
        return by_rule(scenario.policy, rest)

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

    async def _result(
        self,
        assets: SiteAssets,
        span: Span,
        tariffs: tuple[Tariff, Tariff],
        energies: tuple[SiteEnergy, SiteEnergy],
        played: Played,
        changes: Changes,
    ) -> ScenarioResult:
        (chosen, own), (metered, idle) = tariffs, energies
        exchange, ends, given = played
        both = metered.grid.known & exchange.known
        was, is_now = metered.grid.only(both), exchange.only(both)
        asked = was.window(span.range), is_now.window(span.range)
        stored = await self._stored(metered, idle, ends, own, span, changes.left_less_kwh)
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
            lacking_kwh=changes.lacking_kwh,
            discomfort=changes.discomfort,
            tanks_below=changes.tanks_below,
            unfinished_kwh=changes.unfinished_kwh,
            left_out=changes.left_out,
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
        left_less_kwh: float,
    ) -> Money | None:
        """Return what is stored more than was metered at the end, at the last day's mean price.

        `left_less_kwh`: what zones, tanks, vehicles and runs have less.
        """
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
        gained_kwh = (more - less) / 1000 - left_less_kwh
        return Money(Decimal(f"{gained_kwh * price:.9f}"), tariff.currency_code)


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
