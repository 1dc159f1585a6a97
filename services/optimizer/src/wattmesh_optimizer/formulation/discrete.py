"""From the linear to the mixed-integer programme, only where the linear solution needs it.

The linear programme leaves out that a battery cannot charge and discharge at once, that a site
cannot import and export at once, and that some powers are 0 or at least a minimum. Under usual
prices its solution keeps these rules anyway. `Discrete.refine` tests that, and adds binaries where
a rule is broken: in those intervals first, for the whole asset when that was not enough, and for
the whole site at once where many intervals break one.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.formulation.model import Context, Exclusive, SemiContinuous
from wattmesh_optimizer.formulation.program import INFINITY, Ints

TOLERANCE_KW = 1e-5
INTEGRALITY = 1e-5
PATIENCE = 2
"""Rounds in which only the intervals that break a rule get binaries."""
MANY_RATIO = 0.25
"""Where more of a pair's intervals break its rule, all pairs of its site get all binaries at once.

Energy that pays for being wasted all day is wasted another way as soon as one is forbidden: a day
of negative prices took three rounds, and the last had a twentieth of the time.
"""

Mask = NDArray[np.bool_]


@dataclass(slots=True, eq=False)
class Discrete:
    """Which rules have binaries so far."""

    ctx: Context
    integer_columns: list[Ints] = field(default_factory=list)
    rounds: int = 0
    hints: list[Floats] = field(default_factory=list)
    """Likely values of the binaries added last, in their order."""
    _whole: set[int] = field(default_factory=set)
    _exclusive: dict[int, Mask] = field(default_factory=dict)
    _semi: dict[int, Mask] = field(default_factory=dict)

    def refine(self, values: Floats) -> bool:
        """Add binaries where `values` breaks a rule; False when it keeps them all."""
        self.hints = []
        if not breaks_a_rule(self.ctx, values):
            self.rounds += 1
            return False
        added = self._refine_candidates(values)
        added |= self._refine_exclusives(values)
        added |= self._refine_semis(values)
        self.rounds += 1
        return added

    @property
    def integer_count(self) -> int:
        """Number of integer columns so far."""
        return sum(len(columns) for columns in self.integer_columns)

    def _refine_candidates(self, values: Floats) -> bool:
        added = False
        for number, columns in enumerate(self.ctx.program.integer_candidates):
            part = values[columns]
            if number not in self._whole and (np.abs(part - np.round(part)) > INTEGRALITY).any():
                self._whole.add(number)
                self.integer_columns.append(columns)
                added = True
        return added

    def _refine_exclusives(self, values: Floats) -> bool:
        added = False
        together = [
            np.minimum(values[pair.first], values[pair.second]) > TOLERANCE_KW
            for pair in self.ctx.exclusives
        ]
        many = {
            pair.site
            for pair, both in zip(self.ctx.exclusives, together, strict=True)
            if both.any() and both.mean() > MANY_RATIO
        }
        for number, (pair, both) in enumerate(zip(self.ctx.exclusives, together, strict=True)):
            if pair.site in many:
                both = np.ones_like(both)
            new = self._new(self._exclusive, number, both)
            if new.any():
                self._exclude(pair, new, values)
                added = True
        return added

    def _refine_semis(self, values: Floats) -> bool:
        added = False
        for number, semi in enumerate(self.ctx.semis):
            part = values[semi.columns]
            between = (part > TOLERANCE_KW) & (part < semi.minimum - TOLERANCE_KW)
            new = self._new(self._semi, number, between)
            if new.any():
                self._step(semi, new, values)
                added = True
        return added

    def _new(self, seen: dict[int, Mask], number: int, broken: Mask) -> Mask:
        """Return where binaries shall be added, and remember it."""
        before = seen.get(number, np.zeros_like(broken))
        if not (broken & ~before).any():
            return np.zeros_like(broken)
        wanted = np.ones_like(broken) if self.rounds >= PATIENCE else broken
        new: Mask = wanted & ~before
        seen[number] = before | new
        return new

    def _binary(self, likely: Mask) -> Ints:
        columns = self.ctx.program.columns(len(likely), upper=1.0)
        self.integer_columns.append(columns)
        self.hints.append(likely.astype(np.float64))
        return columns

    def _exclude(self, pair: Exclusive, where: Mask, values: Floats) -> None:
        """Add `first <= first_max z` and `second <= second_max (1 - z)`."""
        program, count = self.ctx.program, int(where.sum())
        likely = values[pair.first] >= values[pair.second]
        choice = self._binary(likely[where])
        rows = program.rows(-INFINITY, 0.0, count)
        program.put(rows, pair.first[where], 1.0)
        program.put(rows, choice, -pair.first_max[where])
        rows = program.rows(-INFINITY, pair.second_max[where], count)
        program.put(rows, pair.second[where], 1.0)
        program.put(rows, choice, pair.second_max[where])

    def _step(self, semi: SemiContinuous, where: Mask, values: Floats) -> None:
        """Add `minimum z <= power <= maximum z`."""
        program, count = self.ctx.program, int(where.sum())
        likely = values[semi.columns] >= semi.minimum / 2
        on = self._binary(likely[where])
        rows = program.rows(0.0, INFINITY, count)
        program.put(rows, semi.columns[where], 1.0)
        program.put(rows, on, -semi.minimum[where])
        rows = program.rows(-INFINITY, 0.0, count)
        program.put(rows, semi.columns[where], 1.0)
        program.put(rows, on, -semi.maximum[where])


def breaks_a_rule(ctx: Context, values: Floats) -> bool:
    """Return whether values break any rule: what is asked first of every plan, and mostly all."""
    for columns in ctx.program.integer_candidates:
        part = values[columns]
        if (np.abs(part - np.round(part)) > INTEGRALITY).any():
            return True
    for pair in ctx.exclusives:
        both = np.minimum(values[pair.first], values[pair.second])
        if both.size and both.max() > TOLERANCE_KW:
            return True
    for semi in ctx.semis:
        part = values[semi.columns]
        if ((part > TOLERANCE_KW) & (part < semi.minimum - TOLERANCE_KW)).any():
            return True
    return False


def broken_columns(ctx: Context, values: Floats) -> Ints:
    """Return columns whose values break a rule, one for each time that one is broken."""
    found = [np.zeros(0, dtype=np.int32)]
    for columns in ctx.program.integer_candidates:
        part = values[columns]
        found.append(columns[np.abs(part - np.round(part)) > INTEGRALITY])
    for pair in ctx.exclusives:
        both = np.minimum(values[pair.first], values[pair.second]) > TOLERANCE_KW
        found.append(pair.first[both])
    for semi in ctx.semis:
        part = values[semi.columns]
        between = (part > TOLERANCE_KW) & (part < semi.minimum - TOLERANCE_KW)
        found.append(semi.columns[between])
    return np.concatenate(found)
