"""A charger with one connector: vehicles come and go, and its meter counts what they draw."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from wattmesh_kernel.checks import require, require_between
from wattmesh_twin.domain.vehicle import VOLTAGE_V, VehicleSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One vehicle's time at the charger, with its state of charge when it comes."""

    arrival: datetime
    departure: datetime
    vehicle: VehicleSpec
    arrival_soc_ratio: float
    token: str = "twin"

    def __post_init__(self) -> None:
        require(
            self.arrival < self.departure, "INVALID_RANGE", "it leaves after it comes", "departure"
        )
        require_between(self.arrival_soc_ratio, 0, 1, "arrival_soc_ratio")


class Offer(Protocol):
    """The current that the charger offers to a vehicle, over time."""

    def current_a(self, moment: datetime) -> float:
        """Return the current per phase that is offered at a moment [A]."""

    def next_change(self, after: datetime) -> datetime | None:
        """Return the first moment at which another may be offered; None: none is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargerState:
    """The charger at a moment: its register [Wh], and the visit that goes on with its state."""

    time: datetime
    import_wh: float = 0.0
    visit: Visit | None = None
    soc_ratio: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Charger:
    """The laws of one charger. `visits` rise by arrival and do not overlap."""

    visits: Sequence[Visit]

    def __post_init__(self) -> None:
        for early, late in zip(self.visits, self.visits[1:], strict=False):
            apart = early.departure <= late.arrival
            require(apart, "INVALID_RANGE", "visits follow one another", "visits")

    def power_w(self, state: ChargerState, offer: Offer) -> float:
        """Return what is drawn at the moment of a state [W]."""
        if state.visit is None:
            return 0.0
        return state.visit.vehicle.power_w(state.soc_ratio, offer.current_a(state.time))

    def current_a(self, state: ChargerState, offer: Offer) -> float:
        """Return the current on each phase that is drawn from [A]."""
        phases = state.visit.vehicle.phases if state.visit else 3
        return self.power_w(state, offer) / VOLTAGE_V / phases

    def next_event(self, after: datetime) -> datetime | None:
        """Return when a vehicle comes or goes next."""
        moments = (moment for each in self.visits for moment in (each.arrival, each.departure))
        return min((moment for moment in moments if moment > after), default=None)

    def advance(self, state: ChargerState, offer: Offer, until: datetime) -> ChargerState:
        """Return the state at `until`, however often it is asked for on the way."""
        state = self._turned(state)
        while state.time < until:
            changes = (self.next_event(state.time), offer.next_change(state.time))
            end = min([until, *(each for each in changes if each is not None)])
            state = self._turned(self._charged(state, offer, end))
        return state

    def _charged(self, state: ChargerState, offer: Offer, end: datetime) -> ChargerState:
        """Move to `end` over a time in which neither visit nor offer change."""
        if state.visit is None:
            return replace(state, time=end)
        seconds = (end - state.time).total_seconds()
        vehicle = state.visit.vehicle
        soc = vehicle.charged(state.soc_ratio, offer.current_a(state.time), seconds)
        drawn_wh = vehicle.drawn_wh(state.soc_ratio, soc)
        return replace(state, time=end, soc_ratio=soc, import_wh=state.import_wh + drawn_wh)

    def _turned(self, state: ChargerState) -> ChargerState:
        """Have a vehicle go and come, if it is time."""
        there = next((each for each in self.visits if _is_there(each, state.time)), None)
        if there is state.visit:
            return state
        return replace(state, visit=there, soc_ratio=there.arrival_soc_ratio if there else 0.0)


def _is_there(visit: Visit, moment: datetime) -> bool:
    return visit.arrival <= moment < visit.departure
