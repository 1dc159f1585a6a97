"""What is expected of a session where nobody says, or where what people say was wrong before."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_usage.domain.departures import NewStay, PastStay, departure_quantiles
from wattmesh_usage.domain.sessions import Expectation

_ENERGY_RATIO = 0.9
"""What nine of ten sessions need: a vehicle that is full stops by itself."""
_ASSUMED_ENERGY_WH = 10_000.0
_FEW = 4


def expectation(stay: NewStay, past: Sequence[PastStay], zone: ZoneInfo) -> Expectation:
    """Return what past stays of the place let expect of a new one."""
    own = [each for each in past if stay.vehicle and each.vehicle == stay.vehicle]
    return Expectation(
        departures=departure_quantiles(stay, past, zone),
        required_energy_wh=_required_energy_wh(own, past),
        reason=_reason(len(own), len(past), stay.declared_time is not None),
    )


def _required_energy_wh(own: Sequence[PastStay], past: Sequence[PastStay]) -> float:
    """Return what nine of ten sessions need [Wh], of its own where there are a few."""
    for stays in (own, past):
        known = [each.energy_wh for each in stays if each.energy_wh is not None]
        if len(known) >= _FEW:
            return float(np.quantile(known, _ENERGY_RATIO))
    return _ASSUMED_ENERGY_WH


def _reason(own: int, all_: int, declared: bool) -> str:
    said = "the declared departure, " if declared else ""
    if own:
        return f"{said}{own} sessions of the vehicle"
    if all_:
        return f"{said}{all_} sessions of other vehicles"
    return f"{said}what is usual"
