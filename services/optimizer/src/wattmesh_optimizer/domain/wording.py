"""Unmet requirements in words and numbers."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.horizon import Horizon
from wattmesh_optimizer.domain.plan import RequirementKind, UnmetRequirement

NEGLIGIBLE_KWH = 1e-4
NEGLIGIBLE_KW = 1e-3
NEGLIGIBLE_K = 1e-3


@dataclass(frozen=True, slots=True)
class Words:
    """Says times in a zone: the clock within a day of the horizon's start, the date besides."""

    horizon: Horizon
    zone: ZoneInfo

    def clock(self, moment: datetime) -> str:
        """Return a time as a driver would say it: "22:00", or "Tue 3 Mar 22:00"."""
        local, start = moment.astimezone(self.zone), self.horizon.start.astimezone(self.zone)
        clock = f"{local:%H:%M}"
        return clock if local.date() == start.date() else f"{local:%a} {local.day} {local:%b %H:%M}"

    def span(self, first: int, end: int) -> str:
        """Return when intervals are: "today 17:00–19:00", or "Tue 3 Mar 22:00–Wed 4 Mar 01:00"."""
        begin, over = (self.horizon.time(index) for index in (first, end))
        days = {each.astimezone(self.zone).date() for each in (begin, over)}
        if days == {self.horizon.start.astimezone(self.zone).date()}:
            return f"today {self.clock(begin)}–{self.clock(over)}"
        if len(days) == 1:
            return f"{self.clock(begin)}–{over.astimezone(self.zone):%H:%M}"
        return f"{self.clock(begin)}–{self.clock(over)}"


def deadline_requirement(
    words: Words,
    *,
    kind: RequirementKind,
    subject: str,
    label: str,
    verb: str,
    required_kwh: float,
    planned_kwh: float,
    possible_kwh: float,
    deadline: datetime,
    price_per_kwh: float,
) -> UnmetRequirement | None:
    """Return the requirement for energy by a deadline if it is missed.

    "EV ev1 needs 60.0 kWh by 22:00, at most 29.6 kWh possible, short 30.4 kWh"; where more was
    possible but not worth its cost it says how much.
    """
    short = required_kwh - planned_kwh
    if short <= NEGLIGIBLE_KWH:
        return None
    impossible = planned_kwh >= possible_kwh - 1e-3 * max(1.0, possible_kwh)
    if impossible:
        facts = f"at most {planned_kwh:.1f} kWh possible"
    else:
        facts = f"{planned_kwh:.1f} kWh planned (up to {possible_kwh:.1f} kWh possible)"
    return UnmetRequirement(
        kind=kind,
        subject=subject,
        message=(
            f"{label} {verb} {required_kwh:.1f} kWh by {words.clock(deadline)}, {facts}, "
            f"short {short:.1f} kWh"
        ),
        required=required_kwh,
        planned=planned_kwh,
        shortfall=short,
        unit="kWh",
        time=deadline,
        penalty=short * price_per_kwh,
        impossible=impossible,
    )


def series_requirement(
    words: Words,
    *,
    kind: RequirementKind,
    subject: str,
    sentence: str,
    missing: Floats,
    required: Floats,
    unit: str,
    negligible: float,
    price: float,
    impossible: bool = False,
) -> UnmetRequirement | None:
    """Return the requirement for a level in every interval if it is missed, at its worst interval.

    `sentence` takes `required`, `planned`, `short` (worst, in `unit`), `first` and `last` (clock)
    and `total` (unit x h): "{required:.1f}". `price` per unit and hour.
    """
    worst = int(np.argmax(missing))
    if missing[worst] <= negligible:
        return None
    broken = np.flatnonzero(missing > negligible)
    first, last = words.horizon.time(int(broken[0])), words.horizon.time(int(broken[-1]) + 1)
    short, level = float(missing[worst]), float(required[worst])
    return UnmetRequirement(
        kind=kind,
        subject=subject,
        message=sentence.format(
            required=level,
            planned=level - short,
            over=level + short,
            short=short,
            first=words.clock(first),
            last=words.clock(last),
            total=float(missing.sum()) * words.horizon.hours,
        ),
        required=level,
        planned=level - short,
        shortfall=short,
        unit=unit,
        time=first,
        penalty=float(missing.sum()) * words.horizon.hours * price,
        impossible=impossible,
    )
