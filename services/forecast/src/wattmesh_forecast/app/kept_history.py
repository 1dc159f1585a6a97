"""Metered power, kept in memory: an issue asks only for what may have changed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from wattmesh_forecast.app.ports import History
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.aio.tasks import together

ASKED_AGAIN = timedelta(days=2)
"""The newest part, which is always asked for again: late and corrected readings come here."""
BELIEVED = timedelta(days=1)
"""For how long older readings, and that there were none at first, are not asked for again."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Kept:
    """What is kept of an asset, and the end of the range for which it was last read whole."""

    power_w: Series
    read_whole: datetime


class KeptHistory:
    """Asks for an asset's whole past once a day, else from the first gap or the newest days on."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._kept: dict[tuple[AssetId, timedelta], _Kept] = {}

    async def power_w(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> Mapping[AssetId, Series]:
        """Return mean power per interval [W], NaN where not metered."""
        by_start: dict[datetime, list[AssetId]] = defaultdict(list)
        for asset in assets:
            by_start[self._needed_from(asset, span, resolution)].append(asset)
        parts: Iterable[Mapping[AssetId, Series]] = await together(
            *(
                self._history.power_w(some, TimeRange(start, span.end), resolution)
                for start, some in by_start.items()
            )
        )
        for part in parts:
            for asset, news in part.items():
                self._keep(asset, span, news)
        return {asset: self._kept[asset, resolution].power_w.window(span) for asset in assets}

    def _needed_from(self, asset: AssetId, span: TimeRange, resolution: timedelta) -> datetime:
        kept = self._kept.get((asset, resolution))
        if kept is None or span.end - kept.read_whole >= BELIEVED:
            return span.start
        known = np.isfinite(kept.power_w.window(span).values)
        if not known.any():
            return span.start
        began = int(np.argmax(known))
        gaps = began + np.flatnonzero(~known[began:])
        newest = max(span.start, span.end - ASKED_AGAIN)
        return min([newest, *(span.start + int(gap) * resolution for gap in gaps[:1])])

    def _keep(self, asset: AssetId, span: TimeRange, news: Series) -> None:
        key = asset, news.resolution
        values = np.full(span.count(news.resolution), np.nan)
        read_whole = span.end
        if news.start > span.start and key in self._kept:
            values = self._kept[key].power_w.window(span).values.copy()
            read_whole = self._kept[key].read_whole
        values[len(values) - len(news) :] = news.values
        series = Series(span.start, news.resolution, values)
        self._kept[key] = _Kept(power_w=series, read_whole=read_whole)
