"""Metered power, kept in memory: an issue asks only for what may have changed."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from wattmesh_forecast.app.ports import History
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

ASKED_AGAIN = timedelta(days=2)
"""The newest part, which is always asked for again: late and corrected readings come here."""


class KeptHistory:
    """Asks for an asset's whole past once, later from the first hour on that is missing or new."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._kept: dict[tuple[AssetId, timedelta], Series] = {}

    async def power_w(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> Mapping[AssetId, Series]:
        """Return mean power per interval [W], NaN where not metered."""
        by_start: dict[datetime, list[AssetId]] = defaultdict(list)
        for asset in assets:
            by_start[self._needed_from(asset, span, resolution)].append(asset)
        parts: Iterable[Mapping[AssetId, Series]] = await asyncio.gather(
            *(
                self._history.power_w(some, TimeRange(start, span.end), resolution)
                for start, some in by_start.items()
            )
        )
        for part in parts:
            for asset, news in part.items():
                self._keep(asset, span, news)
        return {asset: self._kept[asset, resolution] for asset in assets}

    def _needed_from(self, asset: AssetId, span: TimeRange, resolution: timedelta) -> datetime:
        kept = self._kept.get((asset, resolution))
        if kept is None:
            return span.start
        missing = np.flatnonzero(np.isnan(kept.window(span).values))
        newest = max(span.start, span.end - ASKED_AGAIN)
        return min([newest, *(span.start + int(i) * resolution for i in missing[:1])])

    def _keep(self, asset: AssetId, span: TimeRange, news: Series) -> None:
        key = asset, news.resolution
        values = np.full(span.count(news.resolution), np.nan)
        if key in self._kept:
            values = self._kept[key].window(span).values.copy()
        values[len(values) - len(news) :] = news.values
        self._kept[key] = Series(span.start, news.resolution, values)
