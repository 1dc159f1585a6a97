"""How well operation went: comfort, effects of commands, forecasts, plans, availability."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

import numpy as np

from wattmesh_analytics.domain.energy import Energy, Floats
from wattmesh_kernel.ids import AssetId, DeviceId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

_TOLERANCE_K = 0.1
"""Sensors tell no closer."""


class Effect(Enum):
    """What meters say of a command that a device took."""

    CONFIRMED = "confirmed"
    PARTIAL = "partial"
    INEFFECTIVE = "ineffective"
    """Nothing happened, or the opposite."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandOutcome:
    """One command, when it began and what came of it."""

    start: datetime
    effect: Effect


@dataclass(frozen=True, kw_only=True, slots=True)
class Outage:
    """Time in which a device could not be reached, or was left out of control."""

    device: DeviceId
    range: TimeRange


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanCounts:
    """Intervals of a scope: with a plan, of these with one too late, and without."""

    made: int
    late: int
    failed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneComfort:
    """Temperatures of a zone and the band that was wanted, (n,) each [°C]; NaN: not measured."""

    air: Series
    low_celsius: Floats
    high_celsius: Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationRecord:
    """What is known of the operation of sites over a span; None: nobody tells.

    `planned_wh`: the exchange of each site as planned [Wh per interval], NaN: not planned;
    `metered` the same as metered, in the same order. `devices` are those that control an asset.
    """

    devices: Mapping[AssetId, DeviceId] = field(default_factory=dict)
    commands: Sequence[CommandOutcome] | None = None
    outages: Sequence[Outage] | None = None
    planned_wh: Sequence[Series] = ()
    metered: Sequence[Energy] = ()
    zones: Mapping[AssetId, ZoneComfort] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationIndicators:
    """What can be told of it; None: it cannot."""

    discomfort_kelvin_hours: float | None = None
    comfortable_ratio: float | None = None
    effects: Mapping[Effect, int] = field(default_factory=dict)
    effect_ratio: float | None = None
    load_skill_ratio: float | None = None
    pv_skill_ratio: float | None = None
    plan_adherence_ratio: float | None = None
    planned_ratio: float | None = None
    availability_ratio: float | None = None
    availability_by_asset: Mapping[AssetId, float] = field(default_factory=dict)
    discomfort_by_zone: Mapping[AssetId, float] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def operation_indicators(record: OperationRecord, part: TimeRange) -> OperationIndicators:
    """Return the indicators of a part of a record, but for those of forecasts and plan counts."""
    available = _availability(record, part)
    zones = {name: _comfort(each, part) for name, each in record.zones.items()}
    known = {name: each for name, each in zones.items() if each is not None}
    effects = _effects(record, part)
    told = sum(count for effect, count in effects.items() if effect is not Effect.UNKNOWN)
    return OperationIndicators(
        discomfort_kelvin_hours=sum(each[0] for each in known.values()) if known else None,
        comfortable_ratio=float(np.mean([each[1] for each in known.values()])) if known else None,
        effects=effects,
        effect_ratio=effects[Effect.CONFIRMED] / told if told else None,
        plan_adherence_ratio=adherence(record.planned_wh, record.metered, part),
        availability_ratio=float(np.mean(list(available.values()))) if available else None,
        availability_by_asset=available,
        discomfort_by_zone={name: each[0] for name, each in known.items()},
        missing=record.missing,
    )


def adherence(
    planned_wh: Sequence[Series], metered: Sequence[Energy], part: TimeRange
) -> float | None:
    """Return how close metered exchanges were to planned ones, 0 to 1; None: nothing to compare.

    Planned 2 and 2 kWh and metered 2 and 1 kWh of import are 1 - 1 / 3.
    """
    apart, went = 0.0, 0.0
    for plan, energy in zip(planned_wh, metered, strict=True):
        ours, theirs = plan.window(part).values, energy.window(part).net_wh
        both = np.isfinite(ours) & np.isfinite(theirs)
        apart += float(np.abs(ours[both] - theirs[both]).sum())
        went += float(np.abs(theirs[both]).sum())
    return min(max(1 - apart / went, 0.0), 1.0) if went else None


def planned_ratio(counts: Sequence[PlanCounts]) -> float | None:
    """Return the share of intervals that had a plan in time; None: none should have had one."""
    should = sum(each.made + each.failed for each in counts)
    return (sum(each.made - each.late for each in counts) / should) if should else None


def _availability(record: OperationRecord, part: TimeRange) -> dict[AssetId, float]:
    if record.outages is None:
        return {}
    away = dict[DeviceId, timedelta]()
    for outage in record.outages:
        common = outage.range.intersect(part)
        if common is not None:
            away[outage.device] = away.get(outage.device, timedelta(0)) + common.duration
    return {
        asset: 1 - min(away.get(device, timedelta(0)) / part.duration, 1.0)
        for asset, device in record.devices.items()
    }


def _effects(record: OperationRecord, part: TimeRange) -> dict[Effect, int]:
    counts = dict.fromkeys(Effect, 0)
    for each in record.commands or ():
        if part.contains(each.start):
            counts[each.effect] += 1
    return counts


def _comfort(zone: ZoneComfort, part: TimeRange) -> tuple[float, float] | None:
    """Return discomfort [K h] and the share of the time without; None: nothing was measured."""
    first = max((part.start - zone.air.start) // zone.air.resolution, 0)
    air = zone.air.window(part).values
    low = zone.low_celsius[first : first + len(air)]
    high = zone.high_celsius[first : first + len(air)]
    outside = np.maximum(low - air, 0.0) + np.maximum(air - high, 0.0)
    known = outside[np.isfinite(outside)]
    if not known.size:
        return None
    hours = zone.air.resolution / timedelta(hours=1)
    return float(known.sum() * hours), float(np.mean(known <= _TOLERANCE_K))


def outages_of(
    events: Sequence[tuple[datetime, DeviceId, object, bool]], end: datetime
) -> list[Outage]:
    """Return when devices were away, of events (time, device, kind, is it back), oldest first.

    A device is away while any kind holds; a kind that has not ended lasts until `end`.
    """
    holding = dict[DeviceId, set[object]]()
    since = dict[DeviceId, datetime]()
    found = list[Outage]()
    for time, device, kind, back in sorted(events, key=lambda each: each[0]):
        kinds = holding.setdefault(device, set())
        if not back:
            kinds.add(kind)
            since.setdefault(device, time)
            continue
        kinds.discard(kind)
        begun = None if kinds else since.pop(device, None)
        if begun is not None and begun < time:
            found.append(Outage(device=device, range=TimeRange(begun, time)))
    ongoing = (Outage(device=each, range=TimeRange(time, end)) for each, time in since.items())
    return [*found, *ongoing]
