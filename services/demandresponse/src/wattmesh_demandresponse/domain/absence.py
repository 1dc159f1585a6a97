"""That somebody is away for a time: it takes part in nothing that is called for it."""

from dataclasses import dataclass

from wattmesh_kernel.time import TimeRange


@dataclass(frozen=True, kw_only=True, slots=True)
class Absence:
    """`market_context` and `resource`: what a programme and an enrolment are called there."""

    market_context: str
    resource: str
    range: TimeRange
