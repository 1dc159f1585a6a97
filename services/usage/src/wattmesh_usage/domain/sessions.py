"""Charging sessions: one stay of one vehicle at a charge point, as the charge point sees it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wattmesh_kernel.checks import require, require_at_least, require_between, require_text
from wattmesh_kernel.ids import ChargingNeedId, ChargingSessionId, DeviceId, VehicleId
from wattmesh_kernel.sites import Phase
from wattmesh_usage.domain.departures import DepartureQuantile
from wattmesh_usage.domain.vehicles import LONGEST_TOKEN


class SessionState(StrEnum):
    """What goes on in a session."""

    WAITING = "waiting"
    CHARGING = "charging"
    DISCHARGING = "discharging"
    SUSPENDED_BY_CHARGER = "suspended_by_charger"
    SUSPENDED_BY_VEHICLE = "suspended_by_vehicle"
    ENDED = "ended"
    FAULTED = "faulted"


_NOTHING_WH = 100.0
"""Less than this is not charging: meters round, and a vehicle's electronics draw a little."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """What is expected of a session: when it ends, what it will need from the arrival on [Wh]."""

    departures: tuple[DepartureQuantile, ...]
    required_energy_wh: float
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargingSession:
    """A session as last reported at `measure_time`.

    `vehicle` None: not known, energies and state of charge None: not told. `need`,
    `expectation` and `sated_energy_wh` (what it had charged when it took no more by itself) are the
    service's own.
    """

    id: ChargingSessionId
    state: SessionState
    arrival_time: datetime
    measure_time: datetime
    departure_time: datetime | None = None
    vehicle: VehicleId | None = None
    token: str = ""
    device: DeviceId | None = None
    charged_energy_wh: float | None = None
    discharged_energy_wh: float | None = None
    soc_ratio: float | None = None
    soc_measure_time: datetime | None = None
    phase: Phase | None = None
    max_current_a: float | None = None
    need: ChargingNeedId | None = None
    expectation: Expectation | None = None
    sated_energy_wh: float | None = None

    def __post_init__(self) -> None:
        require_text(self.token, LONGEST_TOKEN, "token")
        require_at_least(self.charged_energy_wh, 0, "charged_energy_wh")
        require_at_least(self.discharged_energy_wh, 0, "discharged_energy_wh")
        require_between(self.soc_ratio, 0, 1, "soc_ratio")
        require_at_least(self.max_current_a, 0, "max_current_a")
        require(
            (self.soc_ratio is None) == (self.soc_measure_time is None),
            "MISSING_FIELD",
            "a state of charge and its time come together",
            "soc_measure_time",
        )
        require(
            self.departure_time is None or self.departure_time >= self.arrival_time,
            "INVALID_RANGE",
            "the departure precedes the arrival",
            "departure_time",
        )
        require(
            (self.state is SessionState.ENDED) == (self.departure_time is not None),
            "MISSING_FIELD",
            "a session has a departure exactly when it has ended",
            "departure_time",
        )

    @property
    def ended(self) -> bool:
        """Whether the vehicle has left."""
        return self.departure_time is not None

    @property
    def net_energy_wh(self) -> float | None:
        """Energy charged less what was given back [Wh]; None: not metered."""
        if self.charged_energy_wh is None:
            return None
        return self.charged_energy_wh - (self.discharged_energy_wh or 0.0)

    def overlaps(self, other: "ChargingSession") -> bool:
        """Return whether both are at the same charge point at some time."""
        if self.id.asset != other.id.asset or self.id == other.id:
            return False
        ends_before = self.departure_time is not None and self.departure_time <= other.arrival_time
        begins_after = (
            other.departure_time is not None and other.departure_time <= self.arrival_time
        )
        return not (ends_before or begins_after)


def sated_energy_wh(session: ChargingSession, before: ChargingSession | None) -> float | None:
    """Return what a vehicle had charged when it took no more by itself [Wh]; None: it still takes.

    A charge point that offers nothing says that it holds the vehicle back, though the vehicle is
    full: what was seen before holds until the vehicle takes more.
    """
    charged_wh = session.charged_energy_wh or 0.0
    if session.state is SessionState.SUSPENDED_BY_VEHICLE:
        return charged_wh
    kept_wh = None if before is None else before.sated_energy_wh
    charges = session.state in (SessionState.CHARGING, SessionState.DISCHARGING)
    if kept_wh is None or charges or charged_wh > kept_wh + _NOTHING_WH:
        return None
    return kept_wh
