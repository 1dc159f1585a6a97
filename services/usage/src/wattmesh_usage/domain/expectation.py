"""What is expected of a session where nobody says, or where what people say was wrong before."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from wattmesh_usage.domain.departures import NewStay, PastStay, departure_quantiles
from wattmesh_usage.domain.energies import required_energy_wh
from wattmesh_usage.domain.sessions import ChargingSession, Expectation

_NEARLY_RATIO = 0.9
"""Of what was expected; from then on it is asked anew what is needed by those that need as much."""


def expectation(
    stay: NewStay, past: Sequence[PastStay], zone: ZoneInfo, charged_wh: float | None = None
) -> Expectation:
    """Return what past stays of the place let expect of one that has taken so much [Wh]."""
    own = [each for each in past if stay.vehicle and each.vehicle == stay.vehicle]
    return Expectation(
        departures=departure_quantiles(stay, past, zone),
        required_energy_wh=required_energy_wh(stay.vehicle, past, charged_wh),
        reason=_reason(len(own), len(past), stay.declared_time is not None),
    )


def is_outgrown(session: ChargingSession) -> bool:
    """Return whether a vehicle has taken nearly all that was expected of it."""
    expected, charged_wh = session.expectation, session.charged_energy_wh
    if expected is None or charged_wh is None:
        return False
    return charged_wh >= _NEARLY_RATIO * expected.required_energy_wh


def _reason(own: int, all_: int, declared: bool) -> str:
    said = "the declared departure, " if declared else ""
    if own:
        return f"{said}{own} sessions of the vehicle"
    if all_:
        return f"{said}{all_} sessions of other vehicles"
    return f"{said}what is usual"
