"""Which readings of a register are believed, and where it begins anew.

A register only grows, and no faster than what it measures can consume. A reading that does not fit
what is believed before it is one of these, tried in this order:

- what was believed last stood out, when without it all fits: 100, 101, 9000, 102
- it stands out itself, when a later reading fits again: 100, 101, 0, 102
- the register ran over its width: 99990, 15 of five digits
- the register is another one from here on

What stands out is dropped only if that makes the curve much smoother (`_SMOOTHER`): a new meter
that soon shows as much as the old one is none. So one wrong reading never decides about those after
it, and a reading that was doubted at first is believed once others confirm it.
"""

import math
from collections.abc import Iterator

import numpy as np

from wattmesh_metering.domain.readings import Floats, Mask
from wattmesh_metering.domain.vee.flags import Evidence, Flag, FlagKind

LONGEST_SPIKE = 4
"""Most readings in a row that may stand out; more of them confirm each other."""
TOLERANCE = 1e-9
"""How far a register may fall, as a share of its value: rounding, not energy."""

_SMOOTHER = 10.0
UNRATED_W = 1e9
"""Most that flows where nobody says what is rated: a large power station."""
_OVERRATED = 3.0
"""By how much more than rated a value is impossible; ratings are entered by hand."""
_NOTED = 1.1
"""By how much more than rated a value is worth a flag."""
HOUR_US = 3_600_000_000

WIDTHS = tuple(
    sorted(
        {2.0**bits * 10.0**scale for bits in (16, 24, 31, 32) for scale in range(-3, 7)}
        | {10.0**digits for digits in range(4, 16)}
    )
)
"""Where registers run over [Wh]: binary counters in units of 1 mWh to 1 MWh, and decimal digits."""
_NEARLY_FULL = 0.98


def judge_register(evidence: Evidence) -> list[Flag]:
    """Return what is found in a register's readings, by time."""
    if len(evidence) < 2:
        return []
    walk = _Walk(evidence)
    flags = walk.flags() if walk.suspicious.any() else []
    return sorted((*flags, *walk.rates()), key=lambda flag: flag.first_us)


class _Walk:
    def __init__(self, evidence: Evidence) -> None:
        self._t = evidence.times_us
        self._v: Floats = evidence.values
        self._declared = evidence.declared
        self._rated = evidence.limits.rated
        steps = np.diff(self._v)
        rises = np.sort(steps[steps > 0])
        # a register shows whole units: one of them may come at any time
        self._unit = float(rises[(len(rises) - 1) // 2]) if len(rises) else 0.0
        hours = np.diff(self._t) / HOUR_US
        most = self._most_w * hours + self._slack
        falls = steps < -TOLERANCE * np.abs(self._v[:-1])
        self.suspicious: Mask = (falls | (steps > most)) & ~self._declared[1:]
        self._steps, self._hours = steps, hours

    @property
    def _most_w(self) -> float:
        return UNRATED_W if self._rated is None else _OVERRATED * self._rated

    @property
    def _slack(self) -> float:
        return 2.0 * self._unit + 1.0

    def rates(self) -> Iterator[Flag]:
        """Yield what is more than rated though not impossible."""
        if self._rated is None:
            return
        high = self._steps > _NOTED * self._rated * self._hours + self._slack
        for place in (high & ~self.suspicious & ~self._declared[1:]).nonzero()[0].tolist():
            power = self._steps[place] / self._hours[place]
            yield Flag(
                kind=FlagKind.RATE,
                first_us=int(self._t[place]),
                last_us=int(self._t[place + 1]),
                message=f"{power:.6g} per hour is more than the {self._rated:g} rated",
            )

    def flags(self) -> list[Flag]:
        """Go through the readings in time."""
        flags: dict[int, Flag] = {}
        believed = [0]
        place = 1
        while place < len(self._v):
            if self._declared[place] or self._fits(believed[-1], place):
                believed.append(place)
                place += 1
            elif dropped := self._stood_out(believed, place):
                for each in believed[-dropped:]:
                    flags[each] = self._spike(each)
                del believed[-dropped:]
            elif dropped := self._stand_out(believed[-1], place):
                for each in range(place, place + dropped):
                    flags[each] = self._spike(each)
                place += dropped
            else:
                flags[place] = self._broken(believed[-1], place)
                if not flags[place].excludes:
                    believed.append(place)
                place += 1
        return list(flags.values())

    def _fits(self, before: int, after: int) -> bool:
        step = self._v[after] - self._v[before]
        hours = (self._t[after] - self._t[before]) / HOUR_US
        fallen = step < -TOLERANCE * abs(self._v[before])
        return bool(not fallen and step <= self._most_w * hours + self._slack)

    def _stood_out(self, believed: list[int], place: int) -> int:
        """Return how many of those believed last stood out, if without them this one fits."""
        for dropped in range(1, min(LONGEST_SPIKE, len(believed) - 1) + 1):
            kept, first = believed[-1 - dropped], believed[-dropped]
            if self._declared[believed[-dropped] : place].any():
                return 0
            if self._fits(kept, place):
                jump = self._v[first] - self._v[kept]
                return dropped if self._smoother(jump, self._v[place] - self._v[kept]) else 0
        return 0

    def _stand_out(self, kept: int, place: int) -> int:
        """Return how many from this one on stand out, if a later one fits again."""
        for later in range(place + 1, min(place + LONGEST_SPIKE, len(self._v) - 1) + 1):
            if self._declared[later]:
                return 0
            if self._fits(kept, later):
                jump = abs(self._v[later] - self._v[later - 1])
                smooth = self._smoother(jump, self._v[later] - self._v[kept])
                return later - place if smooth else 0
        return 0

    def _smoother(self, jump: float, step: float) -> bool:
        return bool(jump > _SMOOTHER * max(step, 0.0) + TOLERANCE * abs(jump))

    def _spike(self, place: int) -> Flag:
        moment = int(self._t[place])
        message = f"{self._v[place]:.12g} stands out of the readings around it"
        return Flag(
            kind=FlagKind.SPIKE, first_us=moment, last_us=moment, message=message, excludes=True
        )

    def _broken(self, before: int, place: int) -> Flag:
        """Return what this reading is when the register does not go on."""
        last, value = float(self._v[before]), float(self._v[place])
        moment = int(self._t[place])
        if value > last and len(self._v) - place <= LONGEST_SPIKE:
            return self._spike(place)  # until others confirm it
        kind, lift, what = FlagKind.JUMP, math.nan, "rose by more than can flow"
        if value < last:
            kind, what = FlagKind.EXCHANGE, "fell for good, and nobody said why"
            if (width := self._width(before, place)) is not None:
                kind, lift, what = FlagKind.ROLLOVER, width, f"ran over its width of {width:.12g}"
        message = f"{value:.12g} after {last:.12g}: the register {what}"
        return Flag(kind=kind, first_us=moment, last_us=moment, message=message, lift=lift)

    def _width(self, before: int, place: int) -> float | None:
        """Return the width that the register ran over, None if it did not."""
        last, value = float(self._v[before]), float(self._v[place])
        hours = (self._t[place] - self._t[before]) / HOUR_US
        most = min(
            self._most_w * hours + self._slack, _SMOOTHER * self._usual_w * hours + self._slack
        )
        for width in WIDTHS:
            if last <= width and last >= _NEARLY_FULL * width and width - last + value <= most:
                return width
        return None

    @property
    def _usual_w(self) -> float:
        """What mostly flows while anything does [Wh/h]."""
        rises = (self._steps > 0) & ~self.suspicious
        rates = self._steps[rises] / np.maximum(self._hours[rises], 1e-9)
        return float(np.median(rates)) if len(rates) else 0.0
