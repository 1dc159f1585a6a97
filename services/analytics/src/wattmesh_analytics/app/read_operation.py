"""Read how well operation went; who is away leaves his part untold, and is named."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from wattmesh_analytics.app.operation_ports import Controlled, Forecasts, Planned, Scope
from wattmesh_analytics.app.ports import Meter, Reading
from wattmesh_analytics.app.question import Span
from wattmesh_analytics.app.read_rules import TEMPERATURE, zone_bands
from wattmesh_analytics.app.rule_ports import Wishes
from wattmesh_analytics.domain.energy import Energy
from wattmesh_analytics.domain.operation_indicators import OperationRecord, ZoneComfort
from wattmesh_analytics.domain.operation_sums import (
    Forecast,
    OperationSums,
    operation_sums,
    with_counts,
    with_skill,
)
from wattmesh_analytics.domain.site_energy import SiteEnergy
from wattmesh_kernel.comfort import ZoneWishes
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import AssetId, DeviceId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import HvacZoneRating, LoadRating, PvRating, SiteModel, WindRating
from wattmesh_kernel.time import TimeRange

T = TypeVar("T")
_FORECASTS = ((LoadRating, Forecast.LOAD), (PvRating, Forecast.PV), (WindRating, Forecast.WIND))


class ReadOperation:
    """Asks control, planner, forecast and usage; None of them: it is not asked."""

    def __init__(
        self,
        *,
        meter: Meter,
        controlled: Controlled | None,
        planned: Planned | None,
        forecasts: Forecasts | None,
        wishes: Wishes | None,
    ) -> None:
        self._meter = meter
        self._controlled = controlled
        self._planned = planned
        self._forecasts = forecasts
        self._wishes = wishes

    async def __call__(
        self, model: SiteModel, energies: Sequence[SiteEnergy], span: Span
    ) -> OperationRecord:
        """Return what is known of the operation of sites over a span."""
        record = OperationRecord(devices=_controllers(model, energies, span.range))
        record = await self._control(record, energies, span.range)
        record = await self._plans(record, model, energies, span)
        return await self._comfort(record, model, energies, span)

    async def sums(
        self, model: SiteModel, record: OperationRecord, sites: Sequence[SiteId], part: TimeRange
    ) -> OperationSums:
        """Return the sums of a part of a record, with its forecasts and plans counted."""
        found = operation_sums(record, part)
        missing, planned, forecasts = list(found.missing), self._planned, self._forecasts
        if planned is not None:
            for scope in _scopes(model, sites):
                counts = await _told(planned.counts(scope, part), missing)
                found = found if counts is None else with_counts(found, counts)
        if forecasts is not None:
            for asset, kind in _forecast_assets(model, sites):
                skill = await _told(forecasts.skill(asset, kind, part), missing)
                found = found if skill is None else with_skill(found, asset, skill)
        return replace(found, missing=tuple(dict.fromkeys(missing)))

    async def _control(
        self, record: OperationRecord, energies: Sequence[SiteEnergy], span: TimeRange
    ) -> OperationRecord:
        if self._controlled is None:
            return replace(record, missing=(*record.missing, "control is not asked"))
        missing = list(record.missing)
        commands = [
            await _told(self._controlled.commands(each.site, span), missing) for each in energies
        ]
        outages = [
            await _told(self._controlled.outages(each.site, span), missing) for each in energies
        ]
        return replace(
            record,
            commands=_joined(commands),
            outages=_joined(outages),
            missing=tuple(dict.fromkeys(missing)),
        )

    async def _plans(
        self,
        record: OperationRecord,
        model: SiteModel,
        energies: Sequence[SiteEnergy],
        span: Span,
    ) -> OperationRecord:
        if self._planned is None:
            return replace(record, missing=(*record.missing, "the planner is not asked"))
        missing = list(record.missing)
        by_site = {each.site: each for each in energies}
        found, metered = list[Series](), list[Energy]()
        for scope, sites in _scopes(model, list(by_site)).items():
            work = self._planned.exchange(scope, sites, span.range, span.resolution)
            planned = await _told(work, missing)
            if planned is not None:
                found += planned
                metered += [by_site[site].grid for site in sites]
        return replace(
            record, planned_wh=found, metered=metered, missing=tuple(dict.fromkeys(missing))
        )

    async def _comfort(
        self,
        record: OperationRecord,
        model: SiteModel,
        energies: Sequence[SiteEnergy],
        span: Span,
    ) -> OperationRecord:
        missing, zones = list(record.missing), dict[AssetId, ZoneComfort]()
        for energy in energies:
            rooms = [
                each
                for each in model.assets_of(energy.site)
                if isinstance(each.rating, HvacZoneRating)
            ]
            if not rooms:
                continue
            wanted: Mapping[AssetId, ZoneWishes] | None = {}
            if self._wishes is not None:
                wanted = await _told(self._wishes.wishes(energy.site, span.range), missing)
            if wanted is None:
                continue
            for zone in rooms:
                point = model.point_of(zone.id, TEMPERATURE, span.range.start)
                if point is None:
                    continue
                air = await self._meter.readings(point, span.range, span.resolution, Reading.MEAN)
                low, high = zone_bands(
                    zone, wanted.get(zone.id, ZoneWishes()), span.range, span.resolution, energy
                )
                zones[zone.id] = ZoneComfort(air=air, low_celsius=low, high_celsius=high)
        return replace(record, zones=zones, missing=tuple(dict.fromkeys(missing)))


async def _told(work: Awaitable[T], missing: list[str]) -> T | None:
    """Return an answer; None, with a word in `missing`, while who knows it is away."""
    try:
        return await work
    except Unavailable as error:
        missing.append(error.message)
        return None


def _joined(found: Sequence[Sequence[T] | None]) -> Sequence[T] | None:
    """Return all that was told; None: nobody told anything."""
    known = [each for each in found if each is not None]
    return [one for each in known for one in each] if known else None


def _controllers(
    model: SiteModel, energies: Sequence[SiteEnergy], span: TimeRange
) -> dict[AssetId, DeviceId]:
    found = dict[AssetId, DeviceId]()
    for energy in energies:
        for asset in model.assets_of(energy.site):
            controller = model.controller_of(asset.id, span.end)
            if controller is not None:
                found[asset.id] = controller.id
    return found


def _scopes(model: SiteModel, sites: Sequence[SiteId]) -> dict[Scope, list[SiteId]]:
    """Return sites by the scope that plans them: their group, or each by itself."""
    found = dict[Scope, list[SiteId]]()
    for site in sites:
        group = model.group_of(site)
        found.setdefault(site if group is None else group.id, []).append(site)
    return found


def _forecast_assets(model: SiteModel, sites: Sequence[SiteId]) -> list[tuple[AssetId, Forecast]]:
    """Return the assets that forecasts are issued of, and of which kind they are."""
    return [
        (each.id, kind)
        for site in sites
        for each in model.assets_of(site)
        for rating, kind in _FORECASTS
        if isinstance(each.rating, rating)
    ]
