"""What wallboxes on Modbus TCP have in common that watch over who steers them."""

from wattmesh_twin.adapters.registers import RegisterDevice
from wattmesh_twin.app.run_charger import ChargerTwin
from wattmesh_twin.domain.vehicle import LEAST_CURRENT_A
from wattmesh_twin.domain.watched_limit import WatchedLimit


class WatchedWallbox(RegisterDevice):
    """A charger that falls back to its failsafe when nobody has talked to it for a while."""

    free: int
    """How it says that nobody is there."""
    held_back: int
    """How it says that it offers a vehicle nothing."""
    not_taking: int
    """How it says that a vehicle takes nothing of what is offered."""
    charging: int
    """How it says that a vehicle draws power."""

    def __init__(self, twin: ChargerTwin, limit: WatchedLimit, host: str, port: int) -> None:
        super().__init__(host, port)
        self.twin = twin
        self.limit = limit

    def heard(self) -> None:
        """Start its watchdog again."""
        self.offer(self.limit.talked_to(self.twin.clock.now()))

    def offer(self, limit: WatchedLimit) -> None:
        """Offer vehicles what a limit leaves from now on."""
        self.limit = limit
        self.twin.offer(limit)

    def state(self, plugged_in: bool, power_w: float) -> int:
        """Return how it says what goes on at its plug."""
        if not plugged_in:
            return self.free
        if power_w > 0:
            return self.charging
        offered = self.limit.current_a(self.twin.clock.now())
        return self.not_taking if offered >= LEAST_CURRENT_A else self.held_back
