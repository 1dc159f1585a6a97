"""What the load model is told of each hour: the same hour on 28 days, and what the days were like.

It is one model for every load. So nothing in it is of one building: values are measured by the mean
of the asset's own newest week, days are told by weekday and public holiday, weather by how far it
is from that of the target. What is missing is absent, not 0: each lag says whether it is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wattmesh_forecast.domain.hours import Batch, Floats, Rows
from wattmesh_forecast.domain.lags import (
    DAY,
    at,
    either,
    known,
    mean,
    running,
    same_hour,
    trailing_mean,
)
from wattmesh_forecast.domain.model_input import Float32s, ModelInput

LAG_DAYS = 28
LAG_CHANNELS = (
    "known",
    "value",
    "day_change",
    "three_hour_change",
    "hour_change",
    "hour_before",
    "hour_after",
    "same_weekday",
    "same_day_type",
    "holiday",
    "weeks_back",
    "warmer",
    "day_warmer",
    "warmth_known",
)
"""Last axis of the tensor `lags`."""
SITUATION_WIDTH = 20
"""Last axis of the tensor `situation`."""
LONGEST_LEAD = 7 * DAY
"""Leads beyond this look alike to the model [h]."""

_STATE_HOURS = (1, 3, DAY)
_MOST_SCALES = 10.0
_TEN_DEGREES = 10.0
_COMFORT_CELSIUS = 15.0


def load_input(batch: Batch, rows: Rows) -> ModelInput:
    """Return what the load model is told about `rows` of every asset, asset by asset.

    Tensors: `lags` (n, 28, 14), newest day first, by LAG_CHANNELS; `situation` (n, s); `weather`
    (n, 3): whether the target's temperature is known, and how far from 15 °C it and the day's are.
    """
    past = _Past(batch, rows)
    tensors = {"lags": past.lags(), "situation": past.situation(), "weather": past.weather()}
    return ModelInput(
        tensors={name: _rows(values) for name, values in tensors.items()},
        scale_w=past.scale.ravel(),
        open=np.ones(past.scale.size, dtype=np.bool_),
    )


class _Past:
    """The same local hour on the days before each target; arrays (assets, n, ...)."""

    def __init__(self, batch: Batch, rows: Rows) -> None:
        self._batch, self._rows = batch, rows
        self._hours = same_hour(rows, LAG_DAYS, batch.clock.offset_hours)
        self._values = known(batch.power_w, self._hours, rows.last[:, None])
        self.scale = _scale(batch, rows, self._values)
        self._per_scale = (1.0 / self.scale)[..., None]
        self._states = _running_means(batch.power_w, _STATE_HOURS)
        self._warmth = None if batch.temperature_celsius is None else _Warmth.of(batch)

    def lags(self) -> Floats:
        there = np.isfinite(self._values)
        count = len(self._batch)
        channels = [
            there,
            self._bounded(self._values),
            *(self._bounded(change) for change in reversed(self._changes())),
            *(self._bounded(beside) for beside in self._beside()),
            *(np.broadcast_to(each, (count, *each.shape)) for each in self._calendar()),
            *self._warmer(),
        ]
        found = np.zeros((*there.shape, len(LAG_CHANNELS)), dtype=np.float32)
        for number, channel in enumerate(channels):
            found[..., number] = channel
        return found

    def situation(self) -> Floats:
        rows, count = self._rows, len(self._batch)
        newest = [self._bounded(at(state, rows.last)[..., None])[..., 0] for state in self._states]
        lead = np.minimum(rows.lead, LONGEST_LEAD)
        of_hour = [
            lead / DAY,
            np.exp(-lead / 3),
            np.exp(-lead / 12),
            *_local_time(self._batch, rows),
        ]
        shared = [np.broadcast_to(each, (count, len(rows))) for each in of_hour]
        return np.stack([*newest, *shared], axis=-1)

    def _bounded(self, values: Floats) -> Floats:
        """Return values over the scale; 0 where they are missing, within reason elsewhere."""
        scaled = np.where(np.isfinite(values), values * self._per_scale, 0.0)
        return np.clip(scaled, -_MOST_SCALES, _MOST_SCALES)

    def _changes(self) -> list[Floats]:
        """Return by how much the newest hours differ from those as long before each lag."""
        rows = self._rows
        before = rows.last[:, None] - (rows.target[:, None] - self._hours)
        return [
            at(state, rows.last)[..., None] - known(state, before, rows.last[:, None])
            for state in self._states
        ]

    def _beside(self) -> list[Floats]:
        """Return by how much the hours before and after each lag differ from it."""
        last = self._rows.last[:, None]
        return [
            known(self._batch.power_w, self._hours + shift, last) - self._values
            for shift in (-1, 1)
        ]

    def _calendar(self) -> list[Floats]:
        """Return what the lags' days were like beside the target's, (n, 28) each."""
        clock, target = self._batch.clock, self._rows.target[:, None]
        then = np.clip(self._hours, 0, len(clock.hour) - 1)
        kind = clock.day_type
        return [
            (clock.weekday[then] == clock.weekday[target]).astype(np.float64),
            (kind[then] == kind[target]).astype(np.float64),
            clock.holiday[then].astype(np.float64),
            (target - self._hours) / (7 * DAY),
        ]

    def _warmer(self) -> list[Floats]:
        """Return by how much the target is warmer than each lag, now and over the day before."""
        shape = self._values.shape
        if self._warmth is None:
            return [np.zeros(shape)] * 3
        target = self._rows.target
        then = np.clip(self._hours, 0, len(self._batch.clock.hour) - 1)
        pairs = [
            series[:, target][..., None] - series[:, then]
            for series in (self._warmth.hour, self._warmth.day)
        ]
        there = np.isfinite(pairs[0]) & np.isfinite(pairs[1])
        known_pairs = (np.where(there, pair, 0.0) / _TEN_DEGREES for pair in pairs)
        return [*known_pairs, there.astype(np.float64)]

    def weather(self) -> Floats:
        if self._warmth is None:
            return np.zeros((*self.scale.shape, 3))
        pair = [s[:, self._rows.target] for s in (self._warmth.hour, self._warmth.day)]
        there = np.isfinite(pair[0]) & np.isfinite(pair[1])
        away = (np.where(there, each - _COMFORT_CELSIUS, 0.0) / _TEN_DEGREES for each in pair)
        return np.stack([there, *away], axis=-1)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Warmth:
    """Temperature of each hour, and mean over the day that ends with it, (assets, hours) [°C]."""

    hour: Floats
    day: Floats

    @classmethod
    def of(cls, batch: Batch) -> "_Warmth":
        assert batch.temperature_celsius is not None
        (day,) = _running_means(batch.temperature_celsius, (DAY,))
        return cls(hour=batch.temperature_celsius, day=day)


def _scale(batch: Batch, rows: Rows, values: Floats) -> Floats:
    """Return the mean of the newest week, else of the lags [W], (assets, n); above 0."""
    week = trailing_mean(np.abs(batch.power_w), rows.issues, 7 * DAY)[:, rows.issue]
    return np.maximum(either(either(week, mean(np.abs(values))), 0.0), 1e-3)


def _running_means(values: Floats, hours: Sequence[int]) -> list[Floats]:
    """Return at each hour the mean of what is known of the hours that end with it."""
    there = np.isfinite(values)
    counted = np.stack([np.where(there, values, 0.0), there.astype(np.float64)])
    return [
        np.where(count > 0, total / np.maximum(count, 1), np.nan)
        for total, count in running(counted, hours, np.add)
    ]


def _local_time(batch: Batch, rows: Rows) -> list[Floats]:
    clock, target = batch.clock, rows.target
    angle = 2 * np.pi * clock.hour[target] / DAY
    weekday = clock.weekday[target]
    beside = [np.clip(target + shift, 0, len(clock.hour) - 1) for shift in (-DAY, 0, DAY)]
    return [
        np.sin(angle),
        np.cos(angle),
        np.sin(2 * angle),
        np.cos(2 * angle),
        *((weekday == day).astype(np.float64) for day in range(7)),
        *(clock.holiday[hours].astype(np.float64) for hours in beside),
    ]


def _rows(values: Floats) -> Float32s:
    """Return (assets, n, ...) as rows (assets * n, ...)."""
    return np.ascontiguousarray(values.reshape(-1, *values.shape[2:]), dtype=np.float32)
