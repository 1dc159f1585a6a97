"""What metering knows of the hour that is running."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from wattmesh_forecast.app.each_history import EachHistory
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_forecast.domain.outcome import NotForecast
from wattmesh_forecast.domain.running_hour import LEAST_KNOWN, SoFar
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange, floor_time

STEP = timedelta(minutes=5)
"""How finely the running hour is asked for, and the one before it."""
_STEPS = HOUR // STEP
_FLAT_RATIO = 1e-6


class RunningHour:
    """Reads the minutes of the running hour, each asset's at most once every five."""

    def __init__(self, history: EachHistory) -> None:
        self._history = history
        self._read: dict[AssetId, SoFar | None] = {}
        self._until: datetime | None = None

    async def so_far(self, assets: Sequence[AssetId], now: datetime) -> Mapping[AssetId, SoFar]:
        """Return mean powers [W], positive into the asset, of whom ten minutes are known."""
        span = TimeRange(floor_time(now, HOUR) - HOUR, floor_time(now, STEP))
        if span.duration < HOUR + LEAST_KNOWN:
            return {}
        if self._until != span.end:
            self._read, self._until = {}, span.end
        missing = [each for each in assets if each not in self._read]
        if missing:
            found = await self._history.power_w(missing, span, STEP)
            for asset, power in found.items():
                self._read[asset] = None if isinstance(power, NotForecast) else _so_far(power)
        return {each: known for each in assets if (known := self._read.get(each)) is not None}


def _so_far(power: Series) -> SoFar | None:
    """Return what is known of the hour that begins an hour after `power`."""
    before, now = power.values[:_STEPS], power.values[_STEPS:]
    known = np.isfinite(now)
    count = len(known) if known.all() else int(np.argmin(known))
    if count * STEP < LEAST_KNOWN:
        return None
    until = power.start + (_STEPS + count) * STEP
    flat = np.ptp(before) <= _FLAT_RATIO * np.abs(before).max()
    return SoFar(until=until, mean_w=float(now[:count].mean()), held=bool(flat))
