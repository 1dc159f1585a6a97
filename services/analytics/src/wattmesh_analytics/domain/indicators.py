"""Indicators of a site: how much of what it uses is its own, how even, how hard its storage works.

Definitions: self-sufficiency and self-consumption as IEC 62933-1 and the trade use them, the load
factor as mean over maximum demand.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_analytics.domain.energy import Energy, Floats, peak_kw
from wattmesh_analytics.domain.operation_indicators import Effect, OperationIndicators
from wattmesh_analytics.domain.site_energy import SiteEnergy
from wattmesh_kernel.ids import AssetId, GroupId, SiteId
from wattmesh_kernel.sites import Asset, BatteryRating, PvRating
from wattmesh_kernel.time import TimeRange, ceil_time, local_days


class Division(Enum):
    """How a range is divided."""

    WHOLE = "whole"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetIndicators:
    """What is known of one asset; `peak_kw` is a magnitude, None: it has none, or is not known."""

    asset: AssetId
    import_kwh: float
    export_kwh: float
    peak_kw: float
    covered_ratio: float
    full_cycles: float | None = None
    full_load_hours: float | None = None
    load_factor_ratio: float | None = None
    availability_ratio: float | None = None
    discomfort_kelvin_hours: float | None = None
    effects: Mapping[Effect, int] = field(default_factory=dict)
    """What meters say of commands that its device took."""
    forecast_skill_ratio: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Indicators:
    """What is known of a span; None: it cannot be told from what was metered."""

    subject: SiteId | GroupId
    range: TimeRange
    import_kwh: float
    export_kwh: float
    generation_kwh: float | None
    consumption_kwh: float | None
    import_peak_kw: float
    export_peak_kw: float
    load_factor_ratio: float | None
    full_cycles: float | None
    covered_ratio: float
    self_sufficiency_ratio: float | None
    self_consumption_ratio: float | None
    assets: tuple[AssetIndicators, ...] = ()
    operation: OperationIndicators | None = None


def divide(span: TimeRange, division: Division, zone: ZoneInfo) -> list[TimeRange]:
    """Return the days, weeks, months or years of a zone that a span touches, clipped to it."""
    match division:
        case Division.WHOLE:
            return [span]
        case Division.DAY:
            return local_days(span, zone)
        case Division.WEEK:
            return _parts(span, zone, lambda day: day - timedelta(days=day.weekday()), _week_later)
        case Division.MONTH:
            return _parts(span, zone, lambda day: day.replace(day=1), _month_later)
        case Division.YEAR:
            return _parts(span, zone, lambda day: day.replace(month=1, day=1), _year_later)


def indicators(energy: SiteEnergy) -> Indicators:
    """Return the indicators over all intervals of a site's energies.

    A ratio is reckoned over the intervals in which both of its sides are known. 4 kWh consumed, of
    which 1 kWh was imported, make a self-sufficiency of 0.75.
    """
    imported, exported = energy.grid.total_kwh()
    generation_wh, consumption_wh = energy.generation_wh, energy.consumption_wh
    net_wh, hours = energy.grid.net_wh, energy.grid.hours
    peak = peak_kw(net_wh, hours)
    return Indicators(
        subject=energy.subject,
        range=energy.grid.range,
        import_kwh=imported,
        export_kwh=exported,
        generation_kwh=_total_kwh(generation_wh),
        consumption_kwh=_total_kwh(consumption_wh),
        import_peak_kw=peak,
        export_peak_kw=peak_kw(-net_wh, hours),
        load_factor_ratio=_load_factor(energy.grid),
        full_cycles=_full_cycles(energy),
        covered_ratio=float(np.mean(energy.grid.known)) if len(net_wh) else 0.0,
        self_sufficiency_ratio=_rest_ratio(energy.grid.import_wh.values, consumption_wh),
        self_consumption_ratio=_rest_ratio(energy.grid.export_wh.values, generation_wh),
    )


def asset_indicators(asset: Asset, energy: Energy) -> AssetIndicators:
    """Return the indicators of an asset over all intervals of its energy.

    A battery of 4 kWh that gave 2 kWh had half a cycle; a plant of 5 kW that gave 20 kWh had 4 h of
    full load.
    """
    imported, exported = energy.total_kwh()
    known, rating = bool(energy.known.any()), asset.rating
    capacity_wh = rating.capacity_wh if isinstance(rating, BatteryRating) else 0.0
    rated_w = rating.peak_power_w if isinstance(rating, PvRating) else 0.0
    return AssetIndicators(
        asset=asset.id,
        import_kwh=imported,
        export_kwh=exported,
        peak_kw=peak_kw(np.abs(energy.net_wh), energy.hours),
        covered_ratio=float(np.mean(energy.known)) if len(energy.known) else 0.0,
        full_cycles=exported * 1000 / capacity_wh if capacity_wh and known else None,
        full_load_hours=exported * 1000 / rated_w if rated_w and known else None,
        load_factor_ratio=_load_factor(energy),
    )


def on_raster(span: TimeRange, energy: SiteEnergy) -> TimeRange:
    """Return the intervals that belong to a span: those that start in it."""
    resolution = energy.grid.import_wh.resolution
    return TimeRange(ceil_time(span.start, resolution), ceil_time(span.end, resolution))


def _full_cycles(energy: SiteEnergy) -> float | None:
    capacity_wh = sum(rating.capacity_wh for rating in energy.ratings.values())
    given = [each.export_wh.values for each in energy.batteries.values()]
    total = _total_kwh(np.sum(given, axis=0)) if given else None
    return None if total is None or not capacity_wh else total * 1000 / capacity_wh


def _load_factor(energy: Energy) -> float | None:
    """Return mean over peak of the power into something; None: nothing went in."""
    peak = peak_kw(energy.net_wh, energy.hours)
    known_hours = float(energy.known.sum()) * energy.hours
    return _ratio(energy.total_kwh()[0] / known_hours / peak) if peak else None


def _total_kwh(values_wh: Floats | None) -> float | None:
    """Return the sum over the intervals that are known; None when none is."""
    if values_wh is None:
        return None
    known = values_wh[np.isfinite(values_wh)]
    return float(known.sum()) / 1000 if known.size else None


def _rest_ratio(part_wh: Floats, whole_wh: Floats | None) -> float | None:
    """Return 1 - part / whole; None when the whole is not known, or nothing."""
    if whole_wh is None:
        return None
    known = np.isfinite(part_wh) & np.isfinite(whole_wh)
    whole = float(whole_wh[known].sum())
    return _ratio(1 - float(part_wh[known].sum()) / whole) if whole > 0 else None


def _ratio(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def _parts(
    span: TimeRange,
    zone: ZoneInfo,
    begin: Callable[[date], date],
    later: Callable[[date], date],
) -> list[TimeRange]:
    """Return the parts of a calendar that a span touches; `begin` gives the first day of one."""
    first = begin(span.start.astimezone(zone).date())
    parts = list[TimeRange]()
    while (start := _midnight(first, zone)) < span.end:
        following = later(first)
        part = TimeRange(start, _midnight(following, zone)).intersect(span)
        if part is not None:
            parts.append(part)
        first = following
    return parts


def _week_later(day: date) -> date:
    return day + timedelta(days=7)


def _month_later(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _year_later(day: date) -> date:
    return date(day.year + 1, 1, 1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)
