"""The past of zones and tanks on one raster, kept in memory: only what is new is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np

from wattmesh_forecast.app.ports import History
from wattmesh_forecast.domain.thermal.record import Floats
from wattmesh_forecast.domain.thermal.subjects import (
    FULL_SUN_W_PER_M2,
    PvSun,
    ThermalSubject,
)
from wattmesh_kernel.ids import AssetId, PointId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange, floor_time

LOOK_BACK = timedelta(days=22)
_READ_ANEW = timedelta(hours=12)
_LATE = timedelta(hours=2)
"""Readings may come so late; what is older is asked for again twice a day only."""


class PointHistory(Protocol):
    """What points showed."""

    async def mean(self, point: PointId, span: TimeRange, resolution: timedelta) -> Series:
        """Return the mean per interval, NaN where nothing was read."""

    async def last(self, point: PointId, span: TimeRange, resolution: timedelta) -> Series:
        """Return the newest reading at each interval's start, NaN without one in a day."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ThermalPast:
    """A zone's or tank's past from `start` on by `step`: all series are (n,), NaN where unknown.

    `temperature` is that at each interval's end, all else means over it.
    """

    start: datetime
    step: timedelta
    temperature: Floats
    power_w: Floats
    outdoor: Floats
    sun: Floats | None
    occupancy: Floats | None
    loads_w: Floats | None = None
    plants_w: Floats | None = None
    """What all loads and all zones of its site draw; None: there are none."""

    @property
    def end(self) -> datetime:
        """Where it ends."""
        return self.start + len(self.temperature) * self.step


class ThermalHistory:
    """Reads the past of a zone or tank; what was read is kept, and only its end read again."""

    def __init__(self, points: PointHistory, powers: History) -> None:
        self._points = points
        self._powers = powers
        self._kept: dict[AssetId, tuple[datetime, ThermalSubject, ThermalPast]] = {}

    async def until(self, subject: ThermalSubject, now: datetime) -> ThermalPast:
        """Return the whole intervals of the last three weeks before `now`.

        Error: whatever keeps metering from answering.
        """
        end = floor_time(now, subject.resolution)
        start = end - LOOK_BACK
        read_time, kept_of, kept = self._kept.get(subject.asset, (None, None, None))
        if (
            kept is None
            or kept_of != subject
            or read_time is None
            or now - read_time > _READ_ANEW
            or kept.end > end
        ):
            found = await self._read(subject, TimeRange(start, end))
            self._kept[subject.asset] = (now, subject, found)
            return found
        since = max(start, kept.end - _LATE)
        fresh = await self._read(subject, TimeRange(since, end))
        found = _joined(kept, fresh, start)
        self._kept[subject.asset] = (read_time, subject, found)
        return found

    async def _read(self, subject: ThermalSubject, span: TimeRange) -> ThermalPast:
        step = subject.resolution
        shifted = TimeRange(span.start + step, span.end + step)
        at_end = await self._points.last(subject.temperature, shifted, step)
        heard = await self._points.mean(subject.temperature, span, step)
        named = dict.fromkeys([subject.asset, *subject.loads, *subject.plants])
        powers = await self._powers.power_w(list(named), span, step)
        power = powers.get(subject.asset)
        silent = ~np.isfinite(heard.values)
        return ThermalPast(
            start=span.start,
            step=step,
            temperature=np.where(silent, np.nan, at_end.values),
            power_w=_watts(power, len(silent)),
            outdoor=await self._optional(subject.outdoor, span, step, len(silent)),
            sun=await self._sun(subject, span),
            occupancy=None
            if subject.occupancy is None
            else (await self._points.mean(subject.occupancy, span, step)).values,
            loads_w=_summed(powers, subject.loads, len(silent)),
            plants_w=_summed(powers, subject.plants, len(silent)),
        )

    async def _optional(
        self, point: PointId | None, span: TimeRange, step: timedelta, count: int
    ) -> Floats:
        if point is None:
            return np.full(count, np.nan)
        return (await self._points.mean(point, span, step)).values

    async def _sun(self, subject: ThermalSubject, span: TimeRange) -> Floats | None:
        step = subject.resolution
        if subject.sun is None:
            return None
        if isinstance(subject.sun, PvSun):
            powers: Mapping[AssetId, Series] = await self._powers.power_w(
                [subject.sun.asset], span, step
            )
            found = _watts(powers.get(subject.sun.asset), span.count(step))
            return np.asarray(np.maximum(-found, 0.0) / subject.sun.peak_power_w)
        series = await self._points.mean(subject.sun, span, step)
        return np.asarray(series.values / FULL_SUN_W_PER_M2)


def _watts(series: Series | None, count: int) -> Floats:
    return np.full(count, np.nan) if series is None else series.values


def _summed(
    powers: Mapping[AssetId, Series], assets: Sequence[AssetId], count: int
) -> Floats | None:
    """Return what assets draw together [W], NaN where not all are known; None: there are none."""
    parts = [_watts(powers.get(each), count) for each in assets]
    return np.sum(parts, axis=0) if parts else None


_SERIES: Sequence[str] = (
    "temperature",
    "power_w",
    "outdoor",
    "sun",
    "occupancy",
    "loads_w",
    "plants_w",
)


def _joined(old: ThermalPast, new: ThermalPast, start: datetime) -> ThermalPast:
    """Return the old past up to where the new begins, then the new; nothing before `start`."""
    first = max(0, round((start - old.start) / old.step))
    until = round((new.start - old.start) / old.step)

    def series(name: str) -> Floats | None:
        before, after = getattr(old, name), getattr(new, name)
        if before is None or after is None:
            return None
        return np.concatenate([before[first:until], after])

    temperature, power_w, outdoor, sun, occupancy, loads_w, plants_w = map(series, _SERIES)
    assert temperature is not None
    assert power_w is not None
    assert outdoor is not None
    return ThermalPast(
        start=old.start + first * old.step,
        step=old.step,
        temperature=temperature,
        power_w=power_w,
        outdoor=outdoor,
        sun=sun,
        occupancy=occupancy,
        loads_w=loads_w,
        plants_w=plants_w,
    )
