"""One charger, alive: its state is that of the clock's now whenever it is looked at."""

from dataclasses import dataclass
from datetime import datetime

from wattmesh_kernel.clock import Clock
from wattmesh_twin.domain.charger import Charger, ChargerState, Offer


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What a charger shows: its state, and what is drawn now [W, A per phase]."""

    state: ChargerState
    power_w: float
    current_a: float


class ChargerTwin:
    """Follows the clock. Another offer holds from now on: the past stays as it was."""

    def __init__(self, charger: Charger, offer: Offer, clock: Clock) -> None:
        self.charger = charger
        self._offer = offer
        self._clock = clock
        self._state = ChargerState(time=clock.now())

    @property
    def clock(self) -> Clock:
        """The clock that it follows."""
        return self._clock

    def look(self, at: datetime | None = None) -> Look:
        """Return how it stands now, or how it stood `at` a moment since it was looked at last."""
        until = at or self._clock.now()
        self._state = self.charger.advance(self._state, self._offer, until)
        return Look(
            state=self._state,
            power_w=self.charger.power_w(self._state, self._offer),
            current_a=self.charger.current_a(self._state, self._offer),
        )

    def offer(self, offer: Offer) -> None:
        """Offer another current from now on."""
        self.look()
        self._offer = offer
