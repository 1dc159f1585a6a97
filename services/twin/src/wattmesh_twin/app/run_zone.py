"""One zone with its heat pump, alive: its state is that of the clock's now whenever it is seen."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.time import floor_time
from wattmesh_twin.domain.zone import Own, Thermostat, Zone, ZoneState
from wattmesh_twin.domain.zone_orders import ZoneOrders

_SECONDS_PER_HOUR = 3600.0
_STEP = timedelta(minutes=5)
"""How often what it draws is kept for a site's meter: within, it counts as one power."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneLook:
    """What a heat pump shows: its zone, what holds, and how warm it is outside [°C]."""

    state: ZoneState
    thermostat: Thermostat
    outdoor_celsius: float


class ZoneTwin:
    """Follows the clock. Another order holds from now on: the past stays as it was.

    `changed`, when it is set, hears of each other order.
    """

    def __init__(self, zone: Zone, own: Own, clock: Clock, state: ZoneState) -> None:
        self._zone = zone
        self._orders = ZoneOrders(own=own)
        self._clock = clock
        self._state = state
        self._past: list[ZoneState] | None = None
        self.changed: Callable[[], None] = lambda: None

    @property
    def clock(self) -> Clock:
        """The clock that it follows."""
        return self._clock

    @property
    def zone(self) -> Zone:
        """Its laws."""
        return self._zone

    @property
    def orders(self) -> ZoneOrders:
        """What it was told last."""
        return self._orders

    def look(self) -> ZoneLook:
        """Return how it stands now."""
        until = self._clock.now()
        self._advance(until)
        return ZoneLook(
            state=self._state,
            thermostat=self._orders.thermostat(until),
            outdoor_celsius=self._zone.climate.at(until).outdoor_celsius,
        )

    def order(self, orders: ZoneOrders) -> None:
        """Take an order from now on."""
        self.look()
        self._orders = orders
        if self._past is not None:
            self._past.append(self._state)
        self.changed()

    def remember(self, past: Sequence[ZoneState] = (), orders: ZoneOrders | None = None) -> None:
        """Keep the past from now on, for a meter that has yet to see it; go on from one kept."""
        self._past = list(past) or [self._state]
        self._state = self._past[-1]
        self._orders = orders or self._orders

    @property
    def past(self) -> tuple[ZoneState, ...]:
        """What is remembered."""
        return tuple(self._past or ())

    def forget(self, before: datetime) -> None:
        """Forget what was before a moment."""
        past = self._past or []
        while len(past) > 1 and past[1].time <= before:
            past.pop(0)

    def import_wh(self, moment: datetime) -> float:
        """Return what its register showed at a moment of the past that it remembers."""
        self._advance(moment)
        past = [*(self._past or ()), self._state]
        index = bisect_right(past, moment, key=lambda each: each.time)
        if index in (0, len(past)):
            return float(past[max(index - 1, 0)].import_wh)
        before, after = past[index - 1], past[index]
        part: float = (moment - before.time) / (after.time - before.time)
        return float(before.import_wh + part * (after.import_wh - before.import_wh))

    def mean_power_w(self, start: datetime, end: datetime) -> float:
        """Return the mean power over a past span [W], 0 before it was there."""
        drawn_wh = self.import_wh(end) - self.import_wh(start)
        return drawn_wh * _SECONDS_PER_HOUR / (end - start).total_seconds()

    def next_change(self, after: datetime) -> datetime | None:
        """Return until when at most its power is seen as one."""
        return floor_time(after, _STEP) + _STEP

    def _advance(self, until: datetime) -> None:
        while self._state.time < until:
            begin = self._state.time
            change = self._orders.next_change(begin)
            kept = floor_time(begin, _STEP) + _STEP
            end = min(until, kept) if change is None else min(until, kept, change)
            self._state = self._zone.advance(self._state, self._orders.thermostat(begin), end)
            if self._past is not None and self._state.time == kept:
                self._past.append(self._state)
