"""Why readings were not believed."""

from dataclasses import dataclass
from enum import StrEnum


class InputFault(StrEnum):
    """What was wrong with an hour."""

    SPIKE = "spike"
    """Far beyond what the asset ever does, for an hour or two; or beyond its rating."""
    OUTAGE = "outage"
    """Zeros of an asset that does not rest."""
    CURTAILED = "curtailed"
    """A wind turbine held at a limit, or stopped, although it blew: no fault, but no weather."""
    STUCK = "stuck"
    """The same value again and again, of an asset whose values change."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """How many hours were not believed for one reason."""

    fault: InputFault
    hours: int
