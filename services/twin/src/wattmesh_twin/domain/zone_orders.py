"""What a heat pump is told: a temperature and on or off, each for a while, then its own again."""

from dataclasses import dataclass, replace
from datetime import datetime

from wattmesh_twin.domain.zone import Own, Thermostat


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneOrders:
    """`own` is what people have set; orders hold until their end. None: for good, or none."""

    own: Own
    setpoint_celsius: float | None = None
    setpoint_end: datetime | None = None
    on: bool | None = None
    on_end: datetime | None = None

    def thermostat(self, moment: datetime) -> Thermostat:
        """Return what holds at a moment."""
        found = self.own.thermostat(moment)
        if self.setpoint_celsius is not None and _holds(self.setpoint_end, moment):
            found = replace(found, setpoint_celsius=self.setpoint_celsius)
        if self.on is not None and _holds(self.on_end, moment):
            found = replace(found, on=self.on)
        return found

    def next_change(self, after: datetime) -> datetime | None:
        """Return when an order ends next, or what people have set changes; None: neither does."""
        ends = (self.setpoint_end, self.on_end, self.own.next_change(after))
        return min((end for end in ends if end is not None and end > after), default=None)


def _holds(end: datetime | None, moment: datetime) -> bool:
    return end is None or moment < end
