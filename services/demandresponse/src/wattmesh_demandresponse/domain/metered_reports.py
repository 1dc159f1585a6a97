"""Reports of metered energy that somebody else's VTN wants."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportRequest:
    """Which resources' energy is wanted, in intervals of `granularity`, how often, until when."""

    id: str
    specifier_id: str
    resources: tuple[str, ...]
    granularity: timedelta
    every: timedelta
    end: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MeteredEnergy:
    """The energy of a resource in an interval [Wh], import less export."""

    resource: str
    start: datetime
    energy_wh: float
