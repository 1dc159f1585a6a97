"""Compute indicators of a site, or of a group's sites together, over the parts of a span."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from wattmesh_analytics.app.ports import Meter
from wattmesh_analytics.app.question import Span, known_model, site_assets
from wattmesh_analytics.app.read_energy import ReadEnergy
from wattmesh_analytics.app.read_operation import ReadOperation
from wattmesh_analytics.domain.energy import Energy
from wattmesh_analytics.domain.indicators import (
    Division,
    Indicators,
    asset_indicators,
    divide,
    indicators,
    on_raster,
)
from wattmesh_analytics.domain.operation_indicators import OperationIndicators
from wattmesh_analytics.domain.operation_sums import OperationSums
from wattmesh_analytics.domain.site_energy import SiteEnergy, together
from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.ids import AssetId, GroupId, SiteId
from wattmesh_kernel.sites import Asset
from wattmesh_kernel.time import TimeRange
from wattmesh_sitemodel.view import SiteModelView

MOST_OPERATION_DAYS = 366
AT_ONCE = timedelta(days=31)
"""So much of operation is read at a time: a year of commands and plans is never held at once."""


class QueryIndicators:
    """Tells how much of what a site uses is its own, how even, how hard its storage works."""

    def __init__(
        self,
        *,
        clock: Clock,
        view: SiteModelView,
        energy: ReadEnergy,
        meter: Meter,
        operation: ReadOperation,
    ) -> None:
        self._clock = clock
        self._view = view
        self._energy = energy
        self._meter = meter
        self._operation = operation

    async def __call__(
        self,
        subject: SiteId | GroupId,
        span: Span,
        division: Division,
        *,
        by_asset: bool = False,
        with_operation: bool = False,
    ) -> list[Indicators]:
        """Return one for each part, oldest first.

        Errors: as `site_assets`; InvalidArgument for a span that is not over, or longer than a
        year `with_operation`.
        """
        span.require_past(self._clock)
        sites = self._sites(subject)
        found = await self._read(sites, span)
        energy = found[0] if isinstance(subject, SiteId) else together(subject, found)
        assets = await self._assets(sites, span) if by_asset else {}
        parts = [on_raster(part, energy) for part in divide(span.range, division, energy.zone)]
        told = [_of_part(energy, assets, part) for part in parts if not part.empty]
        return await self._with_operation(told, sites, found, span) if with_operation else told

    async def _with_operation(
        self,
        told: Sequence[Indicators],
        sites: Sequence[SiteId],
        energies: Sequence[SiteEnergy],
        span: Span,
    ) -> list[Indicators]:
        days = f"operation is told for {MOST_OPERATION_DAYS} days at most"
        short = span.range.duration <= MOST_OPERATION_DAYS * timedelta(days=1)
        require(short, "RANGE_TOO_LONG", days, "range")
        model = known_model(self._view)
        sums = [OperationSums() for _ in told]
        for chunk in _chunks(span.range):
            within = [each.window(chunk) for each in energies]
            asked = Span(range=chunk, resolution=span.resolution)
            record = await self._operation(model, within, asked)
            for index, each in enumerate(told):
                part = each.range.intersect(chunk)
                if part is not None and not part.empty:
                    sums[index] += await self._operation.sums(model, record, sites, part)
        return [_operated(each, one.indicators()) for each, one in zip(told, sums, strict=True)]

    def _sites(self, subject: SiteId | GroupId) -> Sequence[SiteId]:
        if isinstance(subject, SiteId):
            return (subject,)
        group = known_model(self._view).groups.get(subject)
        if group is None:
            raise NotFound("GROUP_NOT_FOUND", f"there is no group {subject}")
        require(bool(group.sites), "INVALID_VALUE", f"{subject} has no sites", "group")
        return group.sites

    async def _read(self, sites: Sequence[SiteId], span: Span) -> list[SiteEnergy]:
        return [
            await self._energy(site_assets(self._view, site), span.range, span.resolution)
            for site in sites
        ]

    async def _assets(
        self, sites: Sequence[SiteId], span: Span
    ) -> Mapping[AssetId, tuple[Asset, Energy]]:
        """Return the energies of all assets that are metered at any time of the span."""
        model = known_model(self._view)
        assets = {each.id: each for site in sites for each in model.assets_of(site)}
        found = await self._meter.energy(tuple(assets), span.range, span.resolution)
        return {
            name: (assets[name], energy)
            for name, energy in sorted(found.items(), key=lambda each: each[0].name)
            if energy.known.any()
        }


def _chunks(span: TimeRange) -> Iterator[TimeRange]:
    start = span.start
    while start < span.end:
        end = min(start + AT_ONCE, span.end)
        yield TimeRange(start, end)
        start = end


def _of_part(
    energy: SiteEnergy, assets: Mapping[AssetId, tuple[Asset, Energy]], part: TimeRange
) -> Indicators:
    return replace(
        indicators(energy.window(part)),
        assets=tuple(asset_indicators(asset, each.window(part)) for asset, each in assets.values()),
    )


def _operated(told: Indicators, operation: OperationIndicators) -> Indicators:
    """Return indicators with those of operation, of each asset too."""
    return replace(
        told,
        operation=operation,
        assets=tuple(
            replace(
                each,
                availability_ratio=operation.availability_by_asset.get(each.asset),
                discomfort_kelvin_hours=operation.discomfort_by_zone.get(each.asset),
                effects=operation.effects_by_asset.get(each.asset, {}),
                forecast_skill_ratio=operation.skill_by_asset.get(each.asset),
            )
            for each in told.assets
        ),
    )
