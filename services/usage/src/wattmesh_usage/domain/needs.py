"""Charging needs: what somebody wants charged, by when, and what became of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from wattmesh_kernel.checks import require, require_at_least, require_between
from wattmesh_kernel.ids import ChargingNeedId, VehicleId
from wattmesh_usage.domain.sessions import ChargingSession

_MET_RATIO = 0.99
"""Meters and vehicles agree no better."""
_MET_SOC_RATIO = 0.01


class Urgency(StrEnum):
    """How urgent charging is."""

    FLEXIBLE = "flexible"
    SOON = "soon"
    NOW = "now"
    SURPLUS_ONLY = "surplus_only"


class NeedState(StrEnum):
    """Where a need is."""

    WAITING = "waiting"
    ACTIVE = "active"
    MET = "met"
    MISSED = "missed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargingNeed:
    """What shall be in a vehicle by `departure_time`: energy added [Wh], or a state of charge.

    `vehicle` None: whichever is plugged in. State and message are the service's own.
    """

    id: ChargingNeedId
    departure_time: datetime
    vehicle: VehicleId | None = None
    arrival_time: datetime | None = None
    energy_wh: float | None = None
    soc_ratio: float | None = None
    immediate_soc_ratio: float | None = None
    urgency: Urgency = Urgency.FLEXIBLE
    priority: int = 0
    discharge_allowed: bool = False
    min_soc_ratio: float | None = None
    state: NeedState = NeedState.WAITING
    message: str = ""

    def __post_init__(self) -> None:
        require_at_least(self.energy_wh, 0, "energy_wh")
        for name in ("soc_ratio", "immediate_soc_ratio", "min_soc_ratio"):
            require_between(getattr(self, name), 0, 1, name)
        require_between(self.priority, 0, 100, "priority")
        require(
            (self.energy_wh is None) != (self.soc_ratio is None),
            "MISSING_FIELD",
            "a need has a target: an energy, or a state of charge",
            "target",
        )
        require(
            self.arrival_time is None or self.arrival_time < self.departure_time,
            "INVALID_RANGE",
            "the departure comes after the arrival",
            "departure_time",
        )
        require(
            self.id.asset is not None or self.vehicle is not None,
            "MISSING_FIELD",
            "a need at whichever charge point names its vehicle",
            "vehicle",
        )

    @property
    def final(self) -> bool:
        """Whether it never changes again."""
        return self.state in (NeedState.MET, NeedState.MISSED, NeedState.CANCELLED)

    def concerns(self, session: ChargingSession) -> bool:
        """Return whether a session can be what is meant."""
        here = self.id.site == session.id.site and self.id.asset in (None, session.id.asset)
        this = self.vehicle is None or self.vehicle == session.vehicle
        return here and this and session.arrival_time < self.departure_time

    def met_by(self, session: ChargingSession) -> bool:
        """Return whether a session has brought what was needed."""
        if self.soc_ratio is not None:
            known = session.soc_ratio
            return known is not None and known >= self.soc_ratio - _MET_SOC_RATIO
        assert self.energy_wh is not None, "checked when it was made"
        charged_wh = session.net_energy_wh
        return charged_wh is not None and charged_wh >= self.energy_wh * _MET_RATIO

    def after(self, session: ChargingSession) -> "ChargingNeed":
        """Return the need as the session that it is about leaves it."""
        if self.final:
            return self
        if self.met_by(session):
            return replace(self, state=NeedState.MET)
        if session.ended:
            message = "the vehicle left before"
            return replace(self, state=NeedState.MISSED, message=message)
        return replace(self, state=NeedState.ACTIVE)

    def expired(self) -> "ChargingNeed":
        """Return the need when its time has come and it is not met."""
        came = self.state is NeedState.ACTIVE
        message = "the time came before" if came else "the vehicle did not come"
        return replace(self, state=NeedState.MISSED, message=message)


def chosen(needs: "list[ChargingNeed]", session: ChargingSession) -> ChargingNeed | None:
    """Return the need that a session is charged by; None: there is none.

    One that names the vehicle goes before one that does not, then the earliest departure.
    """
    fitting = [each for each in needs if not each.final and each.concerns(session)]
    return min(
        fitting,
        key=lambda each: (each.vehicle is None, each.departure_time, each.id.name),
        default=None,
    )
