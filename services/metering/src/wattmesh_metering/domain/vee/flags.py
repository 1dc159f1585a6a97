"""What validation finds in readings, which themselves stay as they came."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from wattmesh_metering.domain.readings import Floats, Ints, Mask


class FlagKind(StrEnum):
    """Why readings are flagged."""

    SPIKE = "spike"
    """Stands out of all around it: not believed."""
    ROLLOVER = "rollover"
    """The register ran over its width and began anew from 0."""
    EXCHANGE = "exchange"
    """The register fell for good: another meter, of which nobody said so."""
    JUMP = "jump"
    """The register rose for good by more than could flow."""
    RATE = "rate"
    """More than what the asset is rated for."""
    GAP = "gap"
    """No readings between these two."""
    STUCK = "stuck"
    """The same value for longer than is likely."""
    SUM = "sum"
    """The main meter and its check, or meters of parts of it, contradict each other."""
    SIGN = "sign"
    """Import and export are swapped, by what another meter says or by what the asset is."""
    CLOCK = "clock"
    """Its clock is off, by what the main meter says."""


BREAKS = frozenset({FlagKind.ROLLOVER, FlagKind.EXCHANGE, FlagKind.JUMP})
"""Where a register does not go on where it was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Flag:
    """A finding about the readings of one point from `first_us` to `last_us` [us since 1970].

    `excludes`: they are not believed. `lift`: a break, by which the register goes on higher, NaN
    when nobody knows.
    """

    kind: FlagKind
    first_us: int
    last_us: int
    message: str
    excludes: bool = False
    lift: float | None = None

    @property
    def what(self) -> tuple[FlagKind, int, int, bool]:
        """What makes it the same flag when it is raised again."""
        return self.kind, self.first_us, self.last_us, self.excludes


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a point may show at most.

    `rated`: the largest magnitude by the ratings, for a register per hour; None: nobody says.
    `interval_us`: how far apart readings are meant to be.
    """

    rated: float | None = None
    interval_us: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Evidence:
    """One point's readings, ascending in time, with what was declared about them.

    `declared`: rows at which a register begins anew, as the device or somebody has said.
    """

    times_us: Ints
    values: Floats
    declared: Mask
    limits: Limits = field(default_factory=Limits)

    def __len__(self) -> int:
        return len(self.times_us)

    @classmethod
    def of(
        cls, times_us: Ints, values: Floats, resets_us: Ints, limits: Limits | None = None
    ) -> "Evidence":
        """Return evidence with every reset at the first reading that is not before it."""
        declared: Mask = np.zeros(len(times_us), np.bool_)
        places = np.searchsorted(times_us, resets_us)
        declared[places[places < len(times_us)]] = True
        return cls(times_us=times_us, values=values, declared=declared, limits=limits or Limits())
