"""When a vehicle can charge within a horizon, and what is required of it there."""

from dataclasses import dataclass

import numpy as np

from wattmesh_kernel.sites import Phase
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.horizon import Horizon
from wattmesh_optimizer.domain.storage import EvCharger, EvSession


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class EvStay:
    """A session within a horizon.

    `plugged_in` [0-1] per interval; `left_ratio` the probability of having left by the middle of
    each interval; `required_kwh` is to be added within the horizon (what the session requires less
    what can still be charged after it; below 0 where a vehicle that can give energy back has some
    to spare), `fitting_kwh` its part that fits into
    the vehicle, `possible_kwh` what the charger can add within the horizon at most.
    """

    session: EvSession
    plugged_in: Floats
    left_ratio: Floats
    max_power_kw: float
    min_power_kw: float
    required_kwh: float
    fitting_kwh: float
    possible_kwh: float


def stays(charger: EvCharger, phase: Phase, horizon: Horizon) -> tuple[EvStay, ...]:
    """Return the sessions that touch the horizon, by arrival."""
    ordered = sorted(charger.sessions, key=lambda session: session.arrival)
    found = (_stay(charger, phase, horizon, session) for session in ordered)
    return tuple(stay for stay in found if stay.plugged_in.any())


def _stay(charger: EvCharger, phase: Phase, horizon: Horizon, session: EvSession) -> EvStay:
    plugged_in = horizon.coverage(session.arrival, session.departure)
    maximum = charger.power_kw(charger.max_current_a, phase.count)
    stored_per_hour = maximum * charger.charge_efficiency_ratio
    after = max(0.0, horizon.position(session.departure) - horizon.count) * horizon.hours
    required = max(0.0, session.required_kwh - after * stored_per_hour)
    if charger.max_discharge_power_kw > 0:
        required -= session.spare_kwh
    inside = float(np.sum(plugged_in)) * horizon.hours * stored_per_hour
    return EvStay(
        session=session,
        plugged_in=plugged_in,
        left_ratio=_left_ratio(session, horizon),
        max_power_kw=maximum,
        min_power_kw=charger.power_kw(charger.min_current_a, phase.count),
        required_kwh=required,
        fitting_kwh=min(required, session.room_kwh),
        possible_kwh=min(inside, session.room_kwh),
    )


def _left_ratio(session: EvSession, horizon: Horizon) -> Floats:
    """Return the probability that the vehicle has left by the middle of each interval, 0 to 1."""
    known = session.early_departures
    if not known:
        return np.zeros(horizon.count)
    positions = [horizon.position(each.time) for each in known]
    middles = np.arange(horizon.count) + 0.5
    ratios = [each.ratio for each in known]
    return np.asarray(np.interp(middles, positions, ratios, left=0.0))
