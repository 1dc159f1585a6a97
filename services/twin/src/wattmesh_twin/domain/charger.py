"""A charger with one connector: vehicles come and go, its meter counts what they draw and give."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from wattmesh_kernel.checks import require, require_between
from wattmesh_kernel.time import floor_time
from wattmesh_twin.domain.vehicle import VOLTAGE_V, VehicleSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One vehicle's time at the charger, with its state of charge when it comes.

    `declared_departure` is what its driver says when it comes; None: nothing.
    """

    arrival: datetime
    departure: datetime
    vehicle: VehicleSpec
    arrival_soc_ratio: float
    token: str = "twin"
    declared_departure: datetime | None = None

    @property
    def wanted_wh(self) -> float:
        """What it would draw if it had all the time [Wh, AC]."""
        vehicle = self.vehicle
        return vehicle.drawn_wh(
            self.arrival_soc_ratio, max(vehicle.limit_soc_ratio, self.arrival_soc_ratio)
        )

    def __post_init__(self) -> None:
        require(
            self.arrival < self.departure, "INVALID_RANGE", "it leaves after it comes", "departure"
        )
        require_between(self.arrival_soc_ratio, 0, 1, "arrival_soc_ratio")


class Offer(Protocol):
    """What the charger offers to a vehicle, over time."""

    def offered_w(self, vehicle: VehicleSpec, moment: datetime) -> float:
        """Return what a vehicle is offered at a moment [W, AC]; negative: it is asked to give."""

    def next_change(self, after: datetime) -> datetime | None:
        """Return the first moment at which another may be offered; None: none is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishedVisit:
    """A visit that is over: what it has drawn [Wh, AC], and the state of charge it left with."""

    visit: Visit
    charged_wh: float
    soc_ratio: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargerState:
    """The charger at a moment: its registers [Wh], and the visit that goes on with its state.

    `arrival_import_wh` is the register when that vehicle came; `finished` the visit before.
    """

    time: datetime
    import_wh: float = 0.0
    export_wh: float = 0.0
    visit: Visit | None = None
    soc_ratio: float = 0.0
    arrival_import_wh: float = 0.0
    finished: FinishedVisit | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Charger:
    """The laws of one charger. `visits` rise by arrival and do not overlap."""

    visits: Sequence[Visit]

    def __post_init__(self) -> None:
        for early, late in zip(self.visits, self.visits[1:], strict=False):
            apart = early.departure <= late.arrival
            require(apart, "INVALID_RANGE", "visits follow one another", "visits")

    def power_w(self, state: ChargerState, offer: Offer) -> float:
        """Return what is drawn at the moment of a state [W]; negative: the vehicle gives."""
        if state.visit is None:
            return 0.0
        vehicle = state.visit.vehicle
        return vehicle.power_w(state.soc_ratio, offer.offered_w(vehicle, state.time))

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
        before, offered_w = state.soc_ratio, offer.offered_w(vehicle, state.time)
        soc = vehicle.soc_after(before, offered_w, seconds)
        return replace(
            state,
            time=end,
            soc_ratio=soc,
            import_wh=state.import_wh + vehicle.drawn_wh(before, soc),
            export_wh=state.export_wh + vehicle.given_wh(before, soc),
        )

    def _turned(self, state: ChargerState) -> ChargerState:
        """Have a vehicle go and come, if it is time."""
        there = next((each for each in self.visits if _is_there(each, state.time)), None)
        if there == state.visit:
            return state
        return replace(
            state,
            visit=there,
            soc_ratio=there.arrival_soc_ratio if there else 0.0,
            arrival_import_wh=state.import_wh,
            finished=_finished(state) or state.finished,
        )


def _is_there(visit: Visit, moment: datetime) -> bool:
    return visit.arrival <= moment < visit.departure


def _finished(state: ChargerState) -> FinishedVisit | None:
    """Return what becomes of the visit that ends in a state."""
    if state.visit is None:
        return None
    charged_wh = state.import_wh - state.arrival_import_wh
    return FinishedVisit(visit=state.visit, charged_wh=charged_wh, soc_ratio=state.soc_ratio)


@dataclass(frozen=True, kw_only=True, slots=True)
class FixedOffer:
    """The same current at all times [A]."""

    offered_a: float

    def offered_w(self, vehicle: VehicleSpec, moment: datetime) -> float:
        """Return it, as the vehicle's power."""
        return vehicle.offered_w(self.offered_a)

    def next_change(self, after: datetime) -> datetime | None:
        """Never."""
        return None


def charged_at_once(
    visit: Visit, offered_a: float, resolution: timedelta
) -> tuple[datetime, tuple[float, ...]]:
    """Return what a visit draws with nobody in control, from when on and per interval [Wh, AC].

    The intervals lie on the UTC raster, the first is that of the arrival.
    """
    charger, offer = Charger(visits=(visit,)), FixedOffer(offered_a=offered_a)
    begin = floor_time(visit.arrival, resolution)
    state, energies_wh, end = ChargerState(time=begin), list[float](), begin
    while end < visit.departure:
        end += resolution
        after = charger.advance(state, offer, end)
        energies_wh.append(after.import_wh - state.import_wh)
        state = after
    return begin, tuple(energies_wh)
