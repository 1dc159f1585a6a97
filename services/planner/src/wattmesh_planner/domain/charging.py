"""Vehicles at charge points as a plan sees them: who is there, what it needs, when it may leave."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from wattmesh_kernel.sites import Phase


class Urgency(Enum):
    """How urgent charging is."""

    FLEXIBLE = "flexible"
    SOON = "soon"
    """Early rather than cheap."""
    NOW = "now"
    """At once, whatever it costs."""
    SURPLUS_ONLY = "surplus_only"
    """Only with energy that would be exported or curtailed otherwise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargingNeed:
    """What somebody wants: energy to be added from the arrival on [Wh], or a state of charge."""

    departure_time: datetime
    energy_wh: float | None = None
    soc_ratio: float | None = None
    immediate_soc_ratio: float | None = None
    urgency: Urgency = Urgency.FLEXIBLE
    priority: int = 0
    discharge_allowed: bool = False
    min_soc_ratio: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DepartureQuantile:
    """By `departure_time` a vehicle has left with a probability of `ratio`."""

    ratio: float
    departure_time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargingExpectation:
    """What past sessions let expect of this one, and what it rests on, in words."""

    departures: tuple[DepartureQuantile, ...]
    required_energy_wh: float
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargingSession:
    """A vehicle at a charge point, as last reported at `measure_time`.

    `charged_energy_wh` is net of what was given back. `takes`: False when it has stopped by
    itself, or cannot charge: it is full, or waits for something of its own, as a timer.
    """

    id: str
    arrival_time: datetime
    measure_time: datetime
    charged_energy_wh: float | None = None
    soc_ratio: float | None = None
    capacity_wh: float | None = None
    takes: bool = True
    phase: Phase | None = None
    max_current_a: float | None = None
    need: ChargingNeed | None = None
    expectation: ChargingExpectation | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Stay:
    """What is left of a session when a plan begins: what is required, and until when.

    `departure_time` is when it has left at the latest; `early_departures`, rising, say how it may
    leave before. Energies are into the vehicle [Wh]. `weight`: what missing it counts, beside
    others; `surplus_only`: no more than selling the energy brings. `fills`: it may take more than
    is required, and stops by itself. `discharge`: energy may be taken from it, down to
    `min_soc_ratio`.
    """

    id: str
    departure_time: datetime
    early_departures: tuple[DepartureQuantile, ...]
    required_wh: float
    capacity_wh: float
    soc_ratio: float
    weight: float = 1.0
    surplus_only: bool = False
    fills: bool = False
    phase: Phase | None = None
    max_current_a: float | None = None
    discharge: bool = False
    min_soc_ratio: float = 0.0


_CERTAINLY_GONE = 0.99


def departures_from(
    quantiles: Sequence[DepartureQuantile], start: datetime, leaving_ratio_per_hour: float
) -> tuple[DepartureQuantile, ...]:
    """Return when a vehicle leaves that is still there at `start`: conditional, and never certain.

    That it has stayed until now says that what would have been over by now did not happen: of the
    probability of leaving by t, F(t), what is left is (F(t) - F(start)) / (1 - F(start)). On top of
    it `leaving_ratio_per_hour` of those that are there leave within any hour, whatever past ones
    did: not even the most regular vehicle is trusted to the minute.
    """
    passed = _left_by(quantiles, start)
    if passed >= _CERTAINLY_GONE or not quantiles:
        return _overdue(start)
    found = [DepartureQuantile(ratio=0.0, departure_time=start)]
    for each in quantiles:
        if each.departure_time > found[-1].departure_time:
            ratio = max((each.ratio - passed) / (1.0 - passed), 0.0)
            ratio = _restless(ratio, each.departure_time - start, leaving_ratio_per_hour)
            ratio = max(ratio, found[-1].ratio)
            found.append(DepartureQuantile(ratio=ratio, departure_time=each.departure_time))
    return tuple(found)


def _left_by(quantiles: Sequence[DepartureQuantile], moment: datetime) -> float:
    """Return the probability of having left by a moment, linear between quantiles."""
    earlier: DepartureQuantile | None = None
    for each in quantiles:
        if each.departure_time > moment:
            if earlier is None:
                return 0.0
            span = (each.departure_time - earlier.departure_time) / timedelta(seconds=1)
            part = (moment - earlier.departure_time) / timedelta(seconds=1) / span
            return earlier.ratio + (each.ratio - earlier.ratio) * part
        earlier = each
    return 1.0 if quantiles else 0.0


def _restless(ratio: float, after: timedelta, leaving_ratio_per_hour: float) -> float:
    stayed = math.pow(1.0 - leaving_ratio_per_hour, after / timedelta(hours=1))
    return 1.0 - (1.0 - ratio) * stayed


def _overdue(start: datetime) -> tuple[DepartureQuantile, ...]:
    """Return when a vehicle leaves that should have left already: half of them within the hour."""
    steps = ((0.0, 0.0), (0.25, 0.16), (0.5, 0.29), (1.0, 0.5), (2.0, 0.75), (4.0, 0.94))
    return tuple(
        DepartureQuantile(ratio=ratio, departure_time=start + timedelta(hours=hours))
        for hours, ratio in steps
    )
