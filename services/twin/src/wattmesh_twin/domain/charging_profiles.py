"""Limits that an OCPP charge point keeps: the highest stack level that holds is obeyed."""

from dataclasses import dataclass, replace
from datetime import datetime

from wattmesh_kernel.checks import require, require_at_least
from wattmesh_twin.domain.vehicle import VehicleSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class CurrentLimit:
    """One charging profile: most current per phase [A] over `[start, end)`; None: for good."""

    id: int
    stack_level: int
    current_a: float
    start: datetime
    end: datetime | None = None

    def __post_init__(self) -> None:
        require_at_least(self.current_a, 0, "current_a")
        lasts = self.end is None or self.start < self.end
        require(lasts, "INVALID_RANGE", "a limit ends after it starts", "end")

    def holds(self, moment: datetime) -> bool:
        """Return whether it holds at a moment."""
        return self.start <= moment and (self.end is None or moment < self.end)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargingProfiles:
    """The limits that are kept; without any, the charger's own most is offered."""

    max_current_a: float
    limits: tuple[CurrentLimit, ...] = ()

    def current_a(self, moment: datetime) -> float:
        """Return the current that is offered at a moment [A]."""
        holding = [each for each in self.limits if each.holds(moment)]
        highest = max(holding, key=lambda each: each.stack_level, default=None)
        return self.max_current_a if highest is None else min(highest.current_a, self.max_current_a)

    def offered_w(self, vehicle: VehicleSpec, moment: datetime) -> float:
        """Return that current as a vehicle's power [W]."""
        return vehicle.offered_w(self.current_a(moment))

    def next_change(self, after: datetime) -> datetime | None:
        """Return when a limit starts or ends next."""
        moments = (moment for each in self.limits for moment in (each.start, each.end))
        return min((each for each in moments if each is not None and each > after), default=None)

    def with_limit(self, limit: CurrentLimit) -> "ChargingProfiles":
        """Keep a limit in place of one with the same id, or of the same level."""
        kept = [
            each
            for each in self.limits
            if each.id != limit.id and each.stack_level != limit.stack_level
        ]
        return replace(self, limits=(*kept, limit))

    def without(self, id_: int) -> "ChargingProfiles":
        """Drop a limit."""
        return replace(self, limits=tuple(each for each in self.limits if each.id != id_))
