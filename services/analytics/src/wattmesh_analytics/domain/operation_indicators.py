"""How well operation went: comfort, effects of commands, forecasts, plans, availability."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from wattmesh_analytics.domain.energy import Energy, Floats
from wattmesh_kernel.ids import AssetId, DeviceId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange


class Effect(Enum):
    """What meters say of a command that a device took."""

    CONFIRMED = "confirmed"
    PARTIAL = "partial"
    INEFFECTIVE = "ineffective"
    """Nothing happened, or the opposite."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandOutcome:
    """One command, when it began, what came of it, and to which device it was; None: not told."""

    start: datetime
    effect: Effect
    device: DeviceId | None = None


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
    wind_skill_ratio: float | None = None
    plan_adherence_ratio: float | None = None
    planned_ratio: float | None = None
    availability_ratio: float | None = None
    availability_by_asset: Mapping[AssetId, float] = field(default_factory=dict)
    discomfort_by_zone: Mapping[AssetId, float] = field(default_factory=dict)
    effects_by_asset: Mapping[AssetId, Mapping[Effect, int]] = field(default_factory=dict)
    skill_by_asset: Mapping[AssetId, float] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def effect_ratio(effects: Mapping[Effect, int]) -> float | None:
    """Return the share of confirmed commands in those of which meters can tell; None: of none."""
    told = sum(count for effect, count in effects.items() if effect is not Effect.UNKNOWN)
    return effects.get(Effect.CONFIRMED, 0) / told if told else None


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
