"""Reports of metered energy that somebody else's VTN wants."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportRequest:
    """Which resources' energy is wanted, in intervals of `granularity`, how often, until when.

    `programme`: of whose enrolments alone, by its external id; empty: of all. `start`, `until`: of
    which time; None: from now on, and for ever. `whole`: at once, when all of it was metered.
    `end`: when it is told at the latest.
    """

    id: str
    specifier_id: str
    resources: tuple[str, ...]
    granularity: timedelta
    every: timedelta
    end: datetime | None = None
    start: datetime | None = None
    until: datetime | None = None
    whole: bool = False
    programme: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MeteredEnergy:
    """The energy of a resource in an interval [Wh], import less export."""

    resource: str
    start: datetime
    energy_wh: float
