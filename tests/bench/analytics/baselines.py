"""Bias and error of each baseline for demand response, on days without an event.

An event from 16 to 19 h local is made up on working days that had none: a good baseline is then
what was metered. Bias is the mean of baseline less metered over the mean metered, positive: a site
would be paid for what it never did. Error is the mean absolute difference, the same way; relative
errors of buildings are averaged with equal weight.
"""

import csv
import gzip
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow.parquet as parquet

from wattmesh_kernel.baseline import Adjustment, Baseline, BaselineMethod, work_out
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_LONDON = ZoneInfo("Europe/London")
_FIRST_HOUR, _LENGTH = 16, 3 * _HOUR
_START = datetime(2019, 1, 1, tzinfo=UTC)
_WARM_UP = 40
"""Days before the first that is judged."""
_EVERY = 3
"""Of the working days every third is judged: it takes a third of the time."""
_MORNING = Adjustment(window=4 * _HOUR, gap=_HOUR, most_ratio=0.2, multiplicative=True)
_SHIFT = Adjustment(window=4 * _HOUR, gap=_HOUR, most_ratio=0.2)

METHODS = {
    "high 5 of 10": Baseline(method=BaselineMethod.HIGH_OF_RECENT_DAYS),
    "high 5 of 10, ratio of the morning": Baseline(
        method=BaselineMethod.HIGH_OF_RECENT_DAYS, adjustment=_MORNING
    ),
    "high 5 of 10, shift of the morning": Baseline(
        method=BaselineMethod.HIGH_OF_RECENT_DAYS, adjustment=_SHIFT
    ),
    "middle 8 of 10": Baseline(method=BaselineMethod.MIDDLE_OF_RECENT_DAYS),
    "middle 8 of 10, ratio of the morning": Baseline(
        method=BaselineMethod.MIDDLE_OF_RECENT_DAYS, adjustment=_MORNING
    ),
    "meter before": Baseline(method=BaselineMethod.METER_BEFORE),
}


def measure(folder: Path) -> dict[str, Any]:
    """Return bias and error by data set and method, and how many events were judged."""
    sets = {
        "uk_campus_2019": _campus(folder / "uk_campus_2019"),
        "uk_cambridge_campus": _cambridge(folder / "uk_cambridge_campus"),
    }
    return {name: _judged(buildings) for name, buildings in sets.items()}


def _judged(buildings: list[Series]) -> dict[str, Any]:
    found: dict[str, Any] = {"buildings": len(buildings)}
    for name, baseline in METHODS.items():
        biases, errors, events = list[float](), list[float](), 0
        for metered in buildings:
            pairs = list(_pairs(baseline, metered))
            expected, actual = (np.concatenate(each) for each in zip(*pairs, strict=True))
            mean = float(np.abs(actual).mean())
            biases.append(float((expected - actual).mean()) / mean)
            errors.append(float(np.abs(expected - actual).mean()) / mean)
            events += len(pairs)
        worst: float = biases[int(np.argmax(np.abs(biases)))]
        found[name] = {
            "bias_ratio": round(float(np.mean(biases)), 4),
            "error_ratio": round(float(np.mean(errors)), 4),
            "worst_bias_ratio": round(worst, 4),
            "events": events,
        }
    return found


def _pairs(baseline: Baseline, metered: Series) -> Iterator[tuple[Any, Any]]:
    """Yield baseline and metered powers of events that never were."""
    first = metered.start.date() + _WARM_UP * _DAY
    days = (metered.end - metered.start) // _DAY - _WARM_UP
    for day in (first + offset * _DAY for offset in range(0, days, _EVERY)):
        if day.weekday() >= 5:
            continue
        event = _event(day)
        actual = metered.window(event).values
        if not np.isfinite(actual).all():
            continue
        try:
            expected = work_out(baseline, metered, event, _LONDON).power_w.values
        except FailedPrecondition:
            continue
        if np.isfinite(expected).all():
            yield expected, actual


def _event(day: date) -> TimeRange:
    start = datetime(day.year, day.month, day.day, _FIRST_HOUR, tzinfo=_LONDON)
    return TimeRange.of(start.astimezone(UTC), _LENGTH)


def _campus(folder: Path) -> list[Series]:
    """Return the buildings of the campus, by the hour [W]."""
    with gzip.open(folder / "campus_hourly_2019.csv.gz", "rt") as lines:
        rows = list(csv.DictReader(lines))
    names = [name for name in rows[0] if name.startswith("elec_")]
    return [
        Series(_START, _HOUR, np.array([float(row[name] or "nan") for row in rows]) * 1000)
        for name in names
    ]


def _cambridge(folder: Path) -> list[Series]:
    """Return 2019 of twelve buildings, by the hour [W]."""
    table = parquet.read_table(
        folder / "dev_12_buildings_2019-01_2021-06.parquet",
        columns=["timestamp_utc", "building", "meter", "kwh"],
    ).to_pandas()
    table = table[(table.meter == "electricity") & (table.timestamp_utc < "2020-01-01")]
    return [
        Series(_START, _HOUR, rows.sort_values("timestamp_utc").kwh.to_numpy(dtype=float) * 1000)
        for _, rows in table.groupby("building")
    ]
