"""Which faults are found within how many days, and what is raised where nothing was done.

Faults are put into measured data: 12 buildings by the hour, and a solar farm with its irradiance.
What is raised without one counts as a false alarm, though a building may well have had a reason.
"""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as parquet

from wattmesh_analytics.domain.anomalies import findings
from wattmesh_analytics.domain.anomalies.findings import Anomaly, Days
from wattmesh_analytics.domain.energy import Floats
from wattmesh_kernel.ids import AssetId, DeviceId, SiteId

_SITE = SiteId("building")
_ASSET = AssetId(_SITE, "it")
_CHECK = DeviceId(_SITE, "check")
_BEGIN = (60, 120, 180, 240, 300)
"""Days on which a fault begins, each in a run of its own."""
_WITHIN = 28
"""A fault that is not seen within so many days is missed."""

Find = Callable[[Days, Floats], list[Anomaly]]


def measure(folder: Path) -> dict[str, Any]:
    """Return what is found of each fault, by the data in a folder."""
    buildings = _buildings(folder / "uk_cambridge_campus")
    return {
        "base load +15 %": _judge(buildings, _base_load, _more_base_load),
        "weekends as working days": _judge(buildings, _days_off, _weekends_on),
        "sensor drift 5 % in 30 days": _judge(buildings, _drift_of, _creeping, noise=0.005),
        "PV soiling 10 %": _soiling(folder / "uk_pod_feeder_pv"),
        "battery capacity -20 %": _fade(),
    }


def _buildings(folder: Path) -> list[tuple[Days, Floats]]:
    """Return 2019 and the two months after it of each building [Wh]: before March 2020."""
    table = parquet.read_table(
        folder / "dev_12_buildings_2019-01_2021-06.parquet",
        columns=["timestamp_utc", "building", "meter", "kwh"],
    ).to_pandas()
    table = table[(table.meter == "electricity") & (table.timestamp_utc < "2020-03-01")]
    found = []
    for _, rows in table.groupby("building"):
        hours = rows.sort_values("timestamp_utc").kwh.to_numpy(dtype=float) * 1000
        count = len(hours) // 24
        found.append((_days(date(2019, 1, 1), count), hours[: count * 24].reshape(count, 24)))
    return found


def _days(first: date, count: int) -> Days:
    days = tuple(first + timedelta(days=each) for each in range(count))
    return Days(days=days, off=np.array([day.weekday() >= 5 for day in days]))


def _judge(
    buildings: Iterable[tuple[Days, Floats]],
    find: Find,
    spoil: Callable[[Days, Floats, int], Floats],
    noise: float = 0.0,
) -> dict[str, Any]:
    rng = np.random.default_rng(8)
    delays, cases, false, years = [], 0, 0, 0.0
    for days, load in buildings:
        values = np.stack((load, load * rng.normal(1, noise, load.shape))) if noise else load
        alarms = find(days, values)
        false += len(alarms)
        years += len(days.days) / 365
        for begin in _BEGIN:
            cases += 1
            seen = _seen(find(days, spoil(days, values, begin)), alarms, days, begin)
            if seen is not None:
                delays.append(seen)
    return _summary(delays, cases, false, years)


def _seen(found: list[Anomaly], before: list[Anomaly], days: Days, begin: int) -> int | None:
    """Return after how many days a fault is seen; what is raised without it too is not it."""
    usual = {each.seen for each in before}
    first = days.days[begin]
    late = [(each.seen - first).days + 1 for each in found if each.seen not in usual]
    return min((each for each in late if 0 < each <= _WITHIN), default=None)


def _summary(delays: list[int], cases: int, false: int, years: float) -> dict[str, Any]:
    return {
        "cases": cases,
        "found_ratio": round(len(delays) / cases, 3),
        "days_p50": float(np.median(delays)) if delays else None,
        "days_p90": float(np.percentile(delays, 90)) if delays else None,
        "false_alarms_per_site_year": round(false / years, 2),
    }


def _base_load(days: Days, load: Floats) -> list[Anomaly]:
    return findings.base_load(_ASSET, days, load)


def _more_base_load(days: Days, load: Floats, begin: int) -> Floats:
    lowest = np.sort(load[begin - 28 : begin], axis=1)[:, :6].mean()
    spoilt = load.copy()
    spoilt[begin:] += 0.15 * lowest
    return spoilt


def _days_off(days: Days, load: Floats) -> list[Anomaly]:
    return findings.days_off(_ASSET, days, load)


def _weekends_on(days: Days, load: Floats, begin: int) -> Floats:
    """Give days off the hours of the Friday before."""
    spoilt = load.copy()
    for day in np.flatnonzero(days.off):
        if day >= begin:
            spoilt[day] = load[day - 1 - (days.days[day].weekday() - 5)]
    return spoilt


def _drift_of(days: Days, pair: Floats) -> list[Anomaly]:
    return findings.drift(_CHECK, days, pair[1], pair[0])


def _creeping(days: Days, pair: Floats, begin: int) -> Floats:
    spoilt = pair.copy()
    after = np.clip(np.arange(pair.shape[1]) - begin, 0, 30) / 30
    spoilt[1] *= (1 + 0.05 * after)[:, None]
    return spoilt


def _soiling(folder: Path) -> dict[str, Any]:
    table = parquet.read_table(folder / "demand_pv_halfhourly.parquet").to_pandas()
    hours = len(table) // 48 * 24
    given = table.pv_mw.to_numpy(dtype=float)[: hours * 2].reshape(-1, 2).mean(axis=1) * 1e6
    sun = table.irradiance_w_m2.to_numpy(dtype=float)[: hours * 2].reshape(-1, 2).mean(axis=1)
    days = _days(date(2017, 11, 3), hours // 24)
    generation, irradiation = given.reshape(-1, 24), sun.reshape(-1, 24)
    alarms = findings.low_generation(_ASSET, days, generation, irradiation)
    delays, begins = [], range(60, len(days.days) - _WITHIN, 45)
    for begin in begins:
        spoilt = generation.copy()
        spoilt[begin:] *= 0.9
        found = findings.low_generation(_ASSET, days, spoilt, irradiation)
        seen = _seen(found, alarms, days, begin)
        if seen is not None:
            delays.append(seen)
    return _summary(delays, len(begins), len(alarms), len(days.days) / 365)


def _fade() -> dict[str, Any]:
    """Batteries of the project's own making: cycles of different depth, noisy meters."""
    delays, false = [], 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        whole = _cycles(rng, np.full(365, 10_000.0))
        faded = _cycles(rng, np.where(np.arange(365) < 180, 10_000.0, 8_000.0))
        days = _days(date(2023, 1, 1), 365)
        false += len(findings.battery(_ASSET, days, *whole))
        seen = _seen(findings.battery(_ASSET, days, *faded), [], days, 180)
        if seen is not None:
            delays.append(seen)
    return _summary(delays, 20, false, 20.0)


def _cycles(rng: np.random.Generator, holds_wh: Floats) -> tuple[Floats, Floats]:
    count = len(holds_wh)
    net, soc = np.zeros((count, 24)), np.full((count, 24), 0.1)
    depth = rng.uniform(0.2, 0.9, count) / 4
    way = np.sqrt(0.9)
    for hour in range(4):
        net[:, 10 + hour] = depth * holds_wh / way
        soc[:, 10 + hour :] += depth[:, None]
        net[:, 18 + hour] = -depth * holds_wh * way
        soc[:, 18 + hour :] -= depth[:, None]
    return net * rng.normal(1, 0.02, net.shape), np.round(soc, 2)
