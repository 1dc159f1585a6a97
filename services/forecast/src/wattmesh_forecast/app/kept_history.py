"""Metered power, kept in memory: an issue asks only for what may have changed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from wattmesh_forecast.app.each_history import EachHistory
from wattmesh_forecast.domain.outcome import NotForecast
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.aio.tasks import together

ASKED_AGAIN = timedelta(days=2)
"""The newest part, which is asked for again every hour: late and corrected readings come here."""
GAP_ASKED_AGAIN = timedelta(hours=6)
"""How often an older gap is asked for: what was stored at a gateway may fill it."""
BELIEVED = timedelta(days=1)
"""For how long older readings, and that there were none at first, are not asked for again."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Kept:
    """What is kept of an asset, and the ends of the ranges for which its parts were last read."""

    power_w: Series
    read_whole: datetime
    read_gaps: datetime


class KeptHistory:
    """Asks for an asset's whole past once a day, else for the newest days, and for gaps at times.

    Within an hour whose newest days have no gap nothing is asked: an issue every quarter of an hour
    costs one query an hour.
    """

    def __init__(self, history: EachHistory) -> None:
        self._history = history
        self._kept: dict[tuple[AssetId, timedelta], _Kept] = {}

    async def power_w(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> Mapping[AssetId, Series | NotForecast]:
        """Return mean power per interval [W], NaN where not metered, or why it cannot be read."""
        by_start: defaultdict[datetime, list[AssetId]] = defaultdict(list)
        for asset in assets:
            if (start := self._needed_from(asset, span, resolution)) is not None:
                by_start[start].append(asset)
        parts = await together(
            *(
                self._read(some, TimeRange(start, span.end), span, resolution)
                for start, some in by_start.items()
            )
        )
        unread = {asset: why for part in parts for asset, why in part.items()}
        return {
            asset: unread.get(asset) or _over(self._kept[asset, resolution].power_w, span)
            for asset in assets
        }

    async def _read(
        self, assets: Sequence[AssetId], part: TimeRange, span: TimeRange, resolution: timedelta
    ) -> dict[AssetId, NotForecast]:
        """Read a part that ends with the span; return what cannot be read."""
        unread: dict[AssetId, NotForecast] = {}
        for asset, news in (await self._history.power_w(assets, part, resolution)).items():
            if isinstance(news, NotForecast):
                unread[asset] = news
            else:
                self._keep(asset, span, news)
        return unread

    def _needed_from(
        self, asset: AssetId, span: TimeRange, resolution: timedelta
    ) -> datetime | None:
        """Return from when on an asset must be read; None when nothing must."""
        kept = self._kept.get((asset, resolution))
        if kept is None or span.end - kept.read_whole >= BELIEVED:
            return span.start
        missing = np.isnan(kept.power_w.values_over(span))
        if missing.all():
            return span.start
        began = int(np.argmin(missing))
        gap = began + int(np.argmax(missing[began:]))
        newest = max(span.start, span.end - ASKED_AGAIN)
        first_gap = span.start + gap * resolution if missing[gap] else span.end
        if first_gap < newest and span.end - kept.read_gaps >= GAP_ASKED_AGAIN:
            return first_gap
        whole = not missing[-(ASKED_AGAIN // resolution) :].any()
        return None if whole and kept.power_w.end == span.end else newest

    def _keep(self, asset: AssetId, span: TimeRange, news: Series) -> None:
        key = asset, news.resolution
        values = np.full(span.count(news.resolution), np.nan)
        read_whole = read_gaps = span.end
        if news.start > span.start and key in self._kept:
            kept = self._kept[key]
            values = kept.power_w.values_over(span).copy()
            read_whole = kept.read_whole
            read_gaps = span.end if news.start < span.end - ASKED_AGAIN else kept.read_gaps
        values[len(values) - len(news) :] = news.values
        series = Series(span.start, news.resolution, values)
        self._kept[key] = _Kept(power_w=series, read_whole=read_whole, read_gaps=read_gaps)


def _over(power: Series, span: TimeRange) -> Series:
    """Return a series over a range; as it is where that is its own, as it mostly is."""
    whole = power.start == span.start and power.end == span.end
    return power if whole else power.window(span)
