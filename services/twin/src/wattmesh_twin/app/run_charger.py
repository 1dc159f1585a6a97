"""One charger, alive: its state is that of the clock's now whenever it is looked at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.time import floor_time
from wattmesh_twin.domain.charger import Charger, ChargerState, Offer

_SECONDS_PER_HOUR = 3600.0
_STEP = timedelta(minutes=1)
"""How often a site's meter looks at a charger that gives: near full its power falls steadily."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What a charger shows: its state, and what is drawn now [W, A per phase; given: negative]."""

    state: ChargerState
    power_w: float
    current_a: float


class ChargerTwin:
    """Follows the clock. Another offer holds from now on: the past stays as it was.

    `state` is where it goes on from; without one it begins at the clock's now. `changed`, when it
    is set, hears of each other offer.
    """

    def __init__(
        self,
        charger: Charger,
        offer: Offer,
        clock: Clock,
        state: ChargerState | None = None,
    ) -> None:
        self.charger = charger
        self._offer = offer
        self._clock = clock
        self._state = state or ChargerState(time=clock.now())
        self.changed: Callable[[], None] = lambda: None
        self._past: list[tuple[ChargerState, Offer]] | None = None

    @property
    def clock(self) -> Clock:
        """The clock that it follows."""
        return self._clock

    @property
    def offered(self) -> Offer:
        """What is offered now."""
        return self._offer

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
        state = self.look().state
        self._offer = offer
        if self._past is not None:
            self._past.append((state, offer))
        self.changed()

    def remember(self, past: Sequence[tuple[ChargerState, Offer]] = ()) -> None:
        """Keep the past from now on, for a meter that has yet to see it; go on from one kept."""
        self._past = list(past) or [(self._state, self._offer)]
        self._state, self._offer = self._past[-1]

    @property
    def past(self) -> Sequence[tuple[ChargerState, Offer]]:
        """What is remembered: how it stood whenever another current was offered, and which."""
        return tuple(self._past or ())

    def forget(self, before: datetime) -> None:
        """Forget what was before a moment."""
        past = self._past or []
        while len(past) > 1 and past[1][0].time <= before:
            past.pop(0)

    def state_at(self, moment: datetime) -> ChargerState:
        """Return how it stood at a moment of the past that it was told to remember."""
        past = self._past or [(self._state, self._offer)]
        state, offer = next((each for each in reversed(past) if each[0].time <= moment), past[0])
        return self.charger.advance(state, offer, moment)

    def mean_power_w(self, start: datetime, end: datetime) -> float:
        """Return the mean power over a past span [W], 0 before it was there."""
        before, after = self.state_at(start), self.state_at(end)
        drawn_wh = after.import_wh - before.import_wh
        drawn_wh -= after.export_wh - before.export_wh
        return drawn_wh * _SECONDS_PER_HOUR / (end - start).total_seconds()

    def next_change(self, after: datetime) -> datetime | None:
        """Return until when at most its power is seen as one; None: for good."""
        event = self.charger.next_event(after)
        if self.state_at(after).visit is None:
            return event
        step = floor_time(after, _STEP) + _STEP
        return step if event is None else min(event, step)
