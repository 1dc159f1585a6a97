"""The power of a charger that is told watts, both ways, and falls back when its lease ends."""

from dataclasses import dataclass
from datetime import datetime

from wattmesh_twin.domain.order import Order, next_end, told
from wattmesh_twin.domain.vehicle import VehicleSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class LeasedPower:
    """What a vehicle is offered [W, into it positive]: the order while it holds, else `safe_w`."""

    safe_w: float
    order: Order | None = None

    def setpoint_w(self, moment: datetime) -> float:
        """Return what holds at a moment [W]."""
        value = told(self.order, moment)
        return self.safe_w if value is None else value

    def offered_w(self, vehicle: VehicleSpec, moment: datetime) -> float:
        """Return it, whichever vehicle is there."""
        return self.setpoint_w(moment)

    def next_change(self, after: datetime) -> datetime | None:
        """Return when the order ends."""
        return next_end(after, self.order)
