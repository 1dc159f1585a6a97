"""What a tank is told: a temperature, a power, on or off, each for a while, then its own again."""

from dataclasses import dataclass
from datetime import datetime

from wattmesh_twin.domain.order import Order, next_end, told


@dataclass(frozen=True, kw_only=True, slots=True)
class TankOrders:
    """`own_celsius` is what people have set; `own_power_w` what its heater draws of itself at most.

    None: all that it can. A heating element that waits for somebody's power has 0.
    """

    own_celsius: float
    own_power_w: float | None = None
    setpoint: Order | None = None
    power: Order | None = None
    on: Order | None = None

    def celsius(self, moment: datetime) -> float:
        """Return the temperature that its thermostat keeps at a moment."""
        wanted = told(self.setpoint, moment)
        return self.own_celsius if wanted is None else wanted

    def most_w(self, moment: datetime) -> float | None:
        """Return what its heater may draw at a moment [W]; None: all that it can."""
        if told(self.on, moment) == 0.0:
            return 0.0
        wanted = told(self.power, moment)
        return self.own_power_w if wanted is None else wanted

    def next_change(self, after: datetime) -> datetime | None:
        """Return when an order ends next; None: none does."""
        return next_end(after, self.setpoint, self.power, self.on)
