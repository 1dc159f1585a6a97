"""Vehicles charge as they are told, step by step; whoever tells them knows only who is there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from tests.bench.ev.place import LEAD, LEAST_W, LIMIT_W, MOST_W, STEP, ZONE
from tests.bench.ev.sessions import Visit
from wattmesh_kernel.tariff import Tariff, lower_tariff
from wattmesh_kernel.time import TimeRange, ceil_time, floor_time

FULL_RATIO = 0.99
_HOUR = timedelta(hours=1)


@dataclass(kw_only=True, slots=True)
class Charging:
    """A vehicle that is plugged in, and what it has had so far."""

    visit: Visit
    charged_wh: float = 0.0

    @property
    def left_wh(self) -> float:
        """What it still takes."""
        return self.visit.energy_wh - self.charged_wh


class Controller(Protocol):
    """Who decides."""

    def decide(
        self, now: datetime, start: datetime, there: Sequence[Charging]
    ) -> Mapping[str, float]:
        """Return the power for the step from `start` on of each visit that is there [W]."""

    def left(self, charging: Charging) -> None:
        """A vehicle has left."""


@dataclass(kw_only=True, slots=True)
class Outcome:
    """What a controller made of a week."""

    cost: float = 0.0
    peak_w: float = 0.0
    delivered_wh: float = 0.0
    asked_wh: float = 0.0
    sessions: int = 0
    full: int = 0
    overloads: int = 0
    missed_wh: dict[str, float] = field(default_factory=dict)


def simulate(visits: Sequence[Visit], tariff: Tariff, controller: Controller) -> Outcome:
    """Play a week; a vehicle takes what it is told until it is full."""
    span = TimeRange(
        floor_time(visits[0].arrival, STEP),
        ceil_time(max(each.departure for each in visits), STEP),
    )
    prices = lower_tariff(tariff, span, STEP, ZONE).import_price_per_kwh
    outcome, waiting, there = Outcome(), list(visits), list[Charging]()
    for index, start in enumerate(span.starts(STEP)):
        now = start - LEAD
        while waiting and waiting[0].arrival <= now:
            there.append(Charging(visit=waiting.pop(0)))
        there = _gone(there, start, outcome, controller)
        if there:
            told = controller.decide(now, start, there)
            _charge(there, told, start, float(prices[index]), outcome)
    _gone(there, span.end + STEP, outcome, controller)
    return outcome


def _gone(
    there: Sequence[Charging], start: datetime, outcome: Outcome, controller: Controller
) -> list[Charging]:
    for charging in there:
        if charging.visit.departure <= start:
            _count(charging, outcome)
            controller.left(charging)
    return [each for each in there if each.visit.departure > start]


def _count(charging: Charging, outcome: Outcome) -> None:
    visit = charging.visit
    outcome.sessions += 1
    outcome.asked_wh += visit.energy_wh
    outcome.delivered_wh += charging.charged_wh
    if charging.charged_wh >= FULL_RATIO * visit.energy_wh:
        outcome.full += 1
    if charging.left_wh > 1.0:
        outcome.missed_wh[visit.id] = round(charging.left_wh)


def _charge(
    there: Sequence[Charging],
    told: Mapping[str, float],
    start: datetime,
    price_per_kwh: float,
    outcome: Outcome,
) -> None:
    total_w = 0.0
    for charging in there:
        power_w = told.get(charging.visit.id, 0.0)
        assert power_w == 0 or LEAST_W - 1 <= power_w <= MOST_W + 1, power_w
        if charging.left_wh <= 0:
            continue
        total_w += power_w
        hours = (min(start + STEP, charging.visit.departure) - start) / _HOUR
        energy_wh = min(power_w * hours, charging.left_wh)
        charging.charged_wh += energy_wh
        outcome.cost += energy_wh / 1000 * price_per_kwh
    outcome.peak_w = max(outcome.peak_w, total_w)
    outcome.overloads += int(total_w > LIMIT_W + 0.5)
