"""The limit of a wallbox on Modbus: it falls back to its failsafe when nobody talks to it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wattmesh_twin.domain.vehicle import VehicleSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchedLimit:
    """Current per phase [A]: `set_a`, and `failsafe_a` once the watchdog has run out.

    A watchdog of zero is off.
    """

    set_a: float
    failsafe_a: float
    max_current_a: float
    watchdog: timedelta
    heard: datetime

    def current_a(self, moment: datetime) -> float:
        """Return the current that is offered at a moment [A]."""
        watched = self.watchdog > timedelta(0)
        alone = watched and moment >= self.heard + self.watchdog
        return min(self.failsafe_a if alone else self.set_a, self.max_current_a)

    def offered_w(self, vehicle: VehicleSpec, moment: datetime) -> float:
        """Return that current as a vehicle's power [W]."""
        return vehicle.offered_w(self.current_a(moment))

    def next_change(self, after: datetime) -> datetime | None:
        """Return when the watchdog runs out, if it does."""
        end = self.heard + self.watchdog
        return end if self.watchdog > timedelta(0) and end > after else None

    def talked_to(self, moment: datetime) -> "WatchedLimit":
        """Return it after somebody talked to the wallbox."""
        return replace(self, heard=moment)
