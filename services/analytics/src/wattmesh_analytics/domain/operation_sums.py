"""What is counted of operation over a time: sums, which add up over the parts of a year."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum
from typing import TypeVar

import numpy as np

from wattmesh_analytics.domain.operation_indicators import (
    Effect,
    OperationIndicators,
    OperationRecord,
    PlanCounts,
    ZoneComfort,
    effect_ratio,
)
from wattmesh_kernel.ids import AssetId, DeviceId
from wattmesh_kernel.time import TimeRange

_TOLERANCE_K = 0.1
"""Sensors tell no closer."""


class Forecast(Enum):
    """What forecasts are of."""

    LOAD = "load"
    PV = "pv"
    WIND = "wind"


@dataclass(frozen=True, kw_only=True, slots=True)
class SkillSums:
    """Absolute errors of forecasts of an asset, and of the naive ones, added up [W]."""

    kind: Forecast
    error_w: float
    naive_error_w: float

    def __add__(self, other: "SkillSums") -> "SkillSums":
        return SkillSums(
            kind=self.kind,
            error_w=self.error_w + other.error_w,
            naive_error_w=self.naive_error_w + other.naive_error_w,
        )

    @property
    def ratio(self) -> float | None:
        """By how much they were better than the naive ones; None: nothing to compare."""
        return 1 - self.error_w / self.naive_error_w if self.naive_error_w else None


@dataclass(frozen=True, kw_only=True, slots=True)
class ComfortSums:
    """Discomfort of a zone [K h], and in how many of the intervals that are known it had none."""

    kelvin_hours: float
    comfortable: int
    known: int

    def __add__(self, other: "ComfortSums") -> "ComfortSums":
        return ComfortSums(
            kelvin_hours=self.kelvin_hours + other.kelvin_hours,
            comfortable=self.comfortable + other.comfortable,
            known=self.known + other.known,
        )


K = TypeVar("K")
V = TypeVar("V", int, timedelta)
S = TypeVar("S", ComfortSums, SkillSums)


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationSums:
    """Sums over a time. `away`: of the devices that control assets; None: nobody tells.

    `apart_wh` and `went_wh`: differences of metered and planned exchange, and what was metered.
    """

    duration: timedelta = timedelta(0)
    devices: Mapping[AssetId, DeviceId] = field(default_factory=dict)
    away: Mapping[DeviceId, timedelta] | None = None
    effects: Mapping[tuple[DeviceId | None, Effect], int] = field(default_factory=dict)
    zones: Mapping[AssetId, ComfortSums] = field(default_factory=dict)
    skills: Mapping[AssetId, SkillSums] = field(default_factory=dict)
    apart_wh: float = 0.0
    went_wh: float = 0.0
    plans: PlanCounts = field(default_factory=lambda: PlanCounts(made=0, late=0, failed=0))
    missing: tuple[str, ...] = ()

    def __add__(self, other: "OperationSums") -> "OperationSums":
        """Return both as one time; a device counts that controls an asset at the end of it."""
        away = other.away if self.away is None else self.away
        if self.away is not None and other.away is not None:
            away = _added(self.away, other.away, timedelta(0))
        mine, theirs = self.plans, other.plans
        return OperationSums(
            duration=self.duration + other.duration,
            devices={**self.devices, **other.devices},
            away=away,
            effects=_added(self.effects, other.effects, 0),
            zones=_merged(self.zones, other.zones),
            skills=_merged(self.skills, other.skills),
            apart_wh=self.apart_wh + other.apart_wh,
            went_wh=self.went_wh + other.went_wh,
            plans=PlanCounts(
                made=mine.made + theirs.made,
                late=mine.late + theirs.late,
                failed=mine.failed + theirs.failed,
            ),
            missing=tuple(dict.fromkeys((*self.missing, *other.missing))),
        )

    def indicators(self) -> OperationIndicators:
        """Return what can be told by them."""
        available = self._available()
        effects = self._effects(None)
        whole, by_asset = list(available.values()), {a: self._effects(a) for a in self.devices}
        zones = self.zones.values()
        skills = {asset: each.ratio for asset, each in self.skills.items()}
        should = self.plans.made + self.plans.failed
        return OperationIndicators(
            discomfort_kelvin_hours=sum(each.kelvin_hours for each in zones) if zones else None,
            comfortable_ratio=(
                float(np.mean([each.comfortable / each.known for each in zones])) if zones else None
            ),
            effects=effects,
            effect_ratio=effect_ratio(effects),
            load_skill_ratio=self._skill(Forecast.LOAD),
            pv_skill_ratio=self._skill(Forecast.PV),
            wind_skill_ratio=self._skill(Forecast.WIND),
            plan_adherence_ratio=(
                min(max(1 - self.apart_wh / self.went_wh, 0.0), 1.0) if self.went_wh else None
            ),
            planned_ratio=(self.plans.made - self.plans.late) / should if should else None,
            availability_ratio=float(np.mean(whole)) if whole else None,
            availability_by_asset=available,
            discomfort_by_zone={name: each.kelvin_hours for name, each in self.zones.items()},
            effects_by_asset=by_asset,
            skill_by_asset={asset: each for asset, each in skills.items() if each is not None},
            missing=self.missing,
        )

    def _available(self) -> dict[AssetId, float]:
        if self.away is None or not self.duration:
            return {}
        away = self.away
        return {
            asset: 1 - min(away.get(device, timedelta(0)) / self.duration, 1.0)
            for asset, device in self.devices.items()
        }

    def _effects(self, asset: AssetId | None) -> dict[Effect, int]:
        """Return what came of commands to the device of an asset; None: of all."""
        counts = dict.fromkeys(Effect, 0)
        for (device, effect), count in self.effects.items():
            if asset is None or device == self.devices[asset]:
                counts[effect] += count
        return counts

    def _skill(self, kind: Forecast) -> float | None:
        found = [each for each in self.skills.values() if each.kind is kind]
        return sum(found[1:], found[0]).ratio if found else None


def operation_sums(record: OperationRecord, part: TimeRange) -> OperationSums:
    """Return the sums of a part of a record, but for those of forecasts and plan counts."""
    zones = {name: _comfort(each, part) for name, each in record.zones.items()}
    apart, went = _adherence(record, part)
    return OperationSums(
        duration=part.duration,
        devices=record.devices,
        away=_away(record, part),
        effects=_effects(record, part),
        zones={name: each for name, each in zones.items() if each is not None},
        apart_wh=apart,
        went_wh=went,
        missing=record.missing,
    )


def with_counts(sums: OperationSums, counts: PlanCounts) -> OperationSums:
    """Return sums with the plans of one more scope."""
    return sums + OperationSums(plans=counts)


def with_skill(sums: OperationSums, asset: AssetId, skill: SkillSums) -> OperationSums:
    """Return sums with the forecasts of one more asset."""
    return replace(sums, skills={**sums.skills, asset: skill})


def _adherence(record: OperationRecord, part: TimeRange) -> tuple[float, float]:
    """Return how far metered exchanges were from planned ones, and what they were [Wh].

    Planned 2 and 2 kWh and metered 2 and 1 kWh of import are 1 kWh of 3.
    """
    apart, went = 0.0, 0.0
    for plan, energy in zip(record.planned_wh, record.metered, strict=True):
        ours, theirs = plan.window(part).values, energy.window(part).net_wh
        both = np.isfinite(ours) & np.isfinite(theirs)
        apart += float(np.abs(ours[both] - theirs[both]).sum())
        went += float(np.abs(theirs[both]).sum())
    return apart, went


def _away(record: OperationRecord, part: TimeRange) -> dict[DeviceId, timedelta] | None:
    if record.outages is None:
        return None
    away = dict[DeviceId, timedelta]()
    for outage in record.outages:
        common = outage.range.intersect(part)
        if common is not None:
            away[outage.device] = away.get(outage.device, timedelta(0)) + common.duration
    return away


def _effects(record: OperationRecord, part: TimeRange) -> dict[tuple[DeviceId | None, Effect], int]:
    counts = dict[tuple[DeviceId | None, Effect], int]()
    for each in record.commands or ():
        if part.contains(each.start):
            key = each.device, each.effect
            counts[key] = counts.get(key, 0) + 1
    return counts


def _comfort(zone: ZoneComfort, part: TimeRange) -> ComfortSums | None:
    """Return discomfort and how often there was none; None: nothing was measured."""
    first = max((part.start - zone.air.start) // zone.air.resolution, 0)
    air = zone.air.window(part).values
    low = zone.low_celsius[first : first + len(air)]
    high = zone.high_celsius[first : first + len(air)]
    outside = np.maximum(low - air, 0.0) + np.maximum(air - high, 0.0)
    known = outside[np.isfinite(outside)]
    if not known.size:
        return None
    hours = zone.air.resolution / timedelta(hours=1)
    return ComfortSums(
        kelvin_hours=float(known.sum() * hours),
        comfortable=int((known <= _TOLERANCE_K).sum()),
        known=len(known),
    )


def _added(one: Mapping[K, V], other: Mapping[K, V], nothing: V) -> dict[K, V]:
    names = dict.fromkeys((*one, *other))
    return {name: one.get(name, nothing) + other.get(name, nothing) for name in names}


def _merged(one: Mapping[K, S], other: Mapping[K, S]) -> dict[K, S]:
    found = dict(one)
    for name, each in other.items():
        found[name] = found[name] + each if name in found else each
    return found
