"""Charge points: what the vehicle at one still needs, and until when, when a plan begins.

Nobody knows when a vehicle leaves. What is charged is the same until it does, so that what is
missed is expected to be, over all departures,

    E[missed] = missed at the end + sum over intervals of charged x P(left before)

which the optimizer adds up at a price (`early_departures`): so it waits for a lower price only as
long as few enough leave.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wattmesh_kernel.sites import EvChargerRating, Phase
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.charging import (
    ChargingNeed,
    ChargingSession,
    DepartureQuantile,
    Stay,
    Urgency,
    departures_from,
)
from wattmesh_planner.domain.facts import Assumed, Fact, Known, Missing, Reason, Topic, Why
from wattmesh_planner.domain.kinds.kind import Beginning, Needs
from wattmesh_planner.domain.model import SiteAsset
from wattmesh_planner.domain.tapering import Taper

_METERED = frozenset({"active_power_w", "import_energy_wh"})
_HOUR = timedelta(hours=1)
_LEAVING_RATIO_PER_HOUR = {
    Urgency.FLEXIBLE: 0.003,
    Urgency.SOON: 0.3,
    Urgency.NOW: 0.9999,
    Urgency.SURPLUS_ONLY: 0.003,
}
"""How many leave within any hour, whatever past ones did: somebody is called away."""
_LATEST_RATIO = 0.9
"""When so many have left, the rest of what is required counts as missed."""
_LEAST_STAY = timedelta(minutes=30)
_ASSUMED_CAPACITY_WH = 60_000.0
_ASSUMED_SOC_RATIO = 0.5
_ASSUMED_ENERGY_WH = 10_000.0
_LEFT_IN_VEHICLE_RATIO = 0.2
_FURTHER_RATIO = 0.25
_FURTHER_WH = 1_000.0
"""What a vehicle that takes more than was expected is taken to need still."""
_STANDBY_WEIGHT = 0.1
"""What it counts to offer something to a vehicle that has stopped: little, but more than energy."""
_FULL_FROM_RATIO = 0.78
"""Vehicles that stop by themselves from here on are taken to be full: many are told to, at 80 %."""
_NOTHING_WH = 1_000.0
_DECLARED = ((-0.5, 0.05), (-0.25, 0.1), (-0.1, 0.2), (0.0, 0.6), (0.25, 0.9), (1.0, 0.99))
"""By which share of a stay a declared departure is off, and how many have left by then."""
_NOTHING_SAID = ((0.5, 0.1), (1.0, 0.2), (2.0, 0.45), (4.0, 0.7), (9.0, 0.95))
"""Hours after the arrival, and how many have left by then, where nothing is known at all."""


class EvChargerKind:
    """Charges vehicles; steered by power or current."""

    needs = Needs(watched=_METERED, controller=True, session=True)

    def counts(self, asset: SiteAsset) -> bool:
        """Always."""
        return True

    def steers(self, asset: SiteAsset) -> bool:
        """When a device controls it."""
        return asset.controller is not None

    def begin(self, asset: SiteAsset, beginning: Beginning) -> Fact[Stay | None]:
        """Return what is left of the session when the plan begins; Known(None): nobody is there.

        It is assumed where nobody has said what the vehicle needs, and missing where the charge
        point was not heard for a day: who is there now, nobody knows.
        """
        known = beginning.session
        if isinstance(known, Missing):
            return known
        if (silent := _silent(beginning, known.value)) is not None:
            return silent
        session = known.value
        if session is None:
            return Known(value=None)
        stay = stay_of(session, asset, beginning)
        if isinstance(known, Assumed):
            return Assumed(value=stay, why=known.why, age=known.age)
        if session.need is None:
            return Assumed(value=stay, why=_nobody_asked(session, stay), age=known.age)
        return Known(value=stay, age=known.age)


def _silent(beginning: Beginning, session: ChargingSession | None) -> Missing | None:
    """Return that nothing was heard for a day of a charge point that has a meter of its own."""
    times = [each.measure_time for each in beginning.readings.values()]
    if not times:
        return None
    heard = max(times if session is None else [*times, session.measure_time])
    age = max(beginning.now - heard, timedelta(0))
    if age < beginning.limits.usable:
        return None
    why = Why(topic=Topic.STATE, reason=Reason.STALE, detail="nothing is heard of it")
    return Missing(why=why, age=age)


def stay_of(session: ChargingSession, asset: SiteAsset, beginning: Beginning) -> Stay:
    """Return what is left of a session when a plan begins.

    Of a vehicle that tells its state of charge it is what has to be offered until it is there: near
    full it draws less than that, and no more than the least current in the end. One of those of
    which nobody has said what it needs may be filled beyond what is expected (`fills`).
    """
    rating = asset.rating
    assert isinstance(rating, EvChargerRating)
    need, urgency = session.need, _urgency(session)
    departures = departures_from(
        _departures(session), beginning.start, _LEAVING_RATIO_PER_HOUR[urgency]
    )
    latest = _latest(departures, beginning.start)
    least_wh = _least_wh(rating, session.phase or asset.asset.phase)
    rest = _rest(session, asset, beginning)
    if not session.takes:
        hours = math.ceil((latest - beginning.start) / _HOUR)
        rest = _on_standby(session, rest, rating, hours * least_wh)
    capacity_wh = session.capacity_wh or max(_ASSUMED_CAPACITY_WH, 2 * rest.required_wh)
    soc_ratio = _ASSUMED_SOC_RATIO if rest.soc_ratio is None else rest.soc_ratio
    discharge = _may_discharge(session)
    if not discharge:
        capacity_wh, soc_ratio = _with_room(capacity_wh, soc_ratio, rest.required_wh + least_wh)
    return Stay(
        id=session.id,
        departure_time=latest,
        early_departures=departures,
        required_wh=rest.required_wh,
        capacity_wh=capacity_wh,
        soc_ratio=soc_ratio,
        weight=rest.weight * (1.0 if need is None else 1.0 + need.priority / 100),
        surplus_only=urgency is Urgency.SURPLUS_ONLY,
        fills=need is None and session.takes and rest.soc_ratio is not None,
        phase=session.phase,
        max_current_a=rest.max_current_a,
        discharge=discharge,
        min_soc_ratio=_min_soc_ratio(need),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rest:
    """What has to be offered yet [Wh, stored], with what a kWh of it counts beside that of others.

    `soc_ratio` is that of the plan's beginning, None: not told; `max_current_a` is what it draws.
    """

    required_wh: float
    max_current_a: float
    soc_ratio: float | None = None
    weight: float = 1.0


def _rest(session: ChargingSession, asset: SiteAsset, beginning: Beginning) -> _Rest:
    """Return what a vehicle needs yet when the plan begins, with what it was told until then."""
    rating = asset.rating
    assert isinstance(rating, EvChargerRating)
    required_wh, efficiency_ratio = _required_wh(session, rating), rating.charge_efficiency_ratio
    told, most_a = _told(session, beginning), _most_a(session, rating)
    if session.soc_ratio is None or session.capacity_wh is None:
        most_w = _full_power_w(session, asset)
        taken_wh = sum(min(power_w, most_w) * hours for power_w, hours in told)
        left_wh = max(required_wh - taken_wh * efficiency_ratio, 0.0)
        return _Rest(required_wh=left_wh, max_current_a=most_a)
    taper, soc_ratio = _taper(session, asset, session.capacity_wh), session.soc_ratio
    for power_w, hours in told:
        soc_ratio = taper.charged(soc_ratio, power_w * efficiency_ratio, hours)
    taken_wh = (soc_ratio - session.soc_ratio) * session.capacity_wh
    room_wh = (1.0 - soc_ratio) * session.capacity_wh
    left_wh = min(max(required_wh - taken_wh, 0.0), room_wh)
    if _may_discharge(session):
        return _Rest(required_wh=left_wh, max_current_a=most_a, soc_ratio=soc_ratio)
    offered_wh = taper.offered_wh(soc_ratio, left_wh)
    return _Rest(
        required_wh=offered_wh,
        max_current_a=most_a * taper.taken_share(soc_ratio),
        soc_ratio=soc_ratio,
        weight=min(left_wh / offered_wh, 1.0) if offered_wh > 0 else 1.0,
    )


def _on_standby(
    session: ChargingSession, rest: _Rest, rating: EvChargerRating, least_wh: float
) -> _Rest:
    """Return what is offered to a vehicle that takes nothing: the least, `least_wh`, or nothing.

    It may take some yet where it is known not to be full, where it has taken next to nothing (many
    have timers of their own), or where somebody says that it needs more.
    """
    charged_wh, need = session.charged_energy_wh or 0.0, session.need
    if session.soc_ratio is not None:
        goes_on = session.soc_ratio < _FULL_FROM_RATIO
    else:
        asked = need is not None and need.energy_wh is not None and need.energy_wh > charged_wh
        goes_on = asked or charged_wh < _NOTHING_WH
    return replace(
        rest,
        required_wh=least_wh if goes_on else 0.0,
        max_current_a=rating.min_current_a,
        weight=_STANDBY_WEIGHT,
    )


def _may_discharge(session: ChargingSession) -> bool:
    known = session.soc_ratio is not None and session.capacity_wh is not None
    return known and session.need is not None and session.need.discharge_allowed


def _taper(session: ChargingSession, asset: SiteAsset, capacity_wh: float) -> Taper:
    """Return how the vehicle takes less and less; by what is stored of what is offered."""
    rating = asset.rating
    assert isinstance(rating, EvChargerRating)
    efficiency_ratio = rating.charge_efficiency_ratio
    return Taper(
        capacity_wh=capacity_wh,
        full_w=_full_power_w(session, asset) * efficiency_ratio,
        least_w=_least_wh(rating, session.phase or asset.asset.phase),
    )


def _full_power_w(session: ChargingSession, asset: SiteAsset) -> float:
    """Return what vehicle and charge point take together [W]."""
    rating = asset.rating
    assert isinstance(rating, EvChargerRating)
    return _most_a(session, rating) * rating.voltage_v * (session.phase or asset.asset.phase).count


def _most_a(session: ChargingSession, rating: EvChargerRating) -> float:
    """Return the current per phase that both take at most [A]."""
    return min(rating.max_current_a, session.max_current_a or rating.max_current_a)


def _least_wh(rating: EvChargerRating, phase: Phase) -> float:
    """Return what is stored in an hour at the least current [Wh]."""
    least_w = rating.min_current_a * rating.voltage_v * phase.count
    return least_w * rating.charge_efficiency_ratio


def _with_room(capacity_wh: float, soc_ratio: float, room_wh: float) -> tuple[float, float]:
    """Return capacity and state of charge of a vehicle that has as much room at least [Wh].

    A vehicle that gets full within an interval stops by itself, but the charge point is told at
    least its least current for all of it: a plan that may not go beyond full would never fill it.
    """
    stored_wh = soc_ratio * capacity_wh
    capacity_wh = max(capacity_wh, stored_wh + room_wh)
    return capacity_wh, stored_wh / capacity_wh


def _required_wh(session: ChargingSession, rating: EvChargerRating) -> float:
    """Return what has yet to be stored in the vehicle [Wh], by the last report."""
    need, charged_wh = session.need, session.charged_energy_wh or 0.0
    if need is not None and need.energy_wh is not None:
        return max(need.energy_wh - charged_wh, 0.0) * rating.charge_efficiency_ratio
    soc_ratio, capacity_wh = session.soc_ratio, session.capacity_wh
    if need is not None and need.soc_ratio is not None and soc_ratio is not None and capacity_wh:
        return max(need.soc_ratio - soc_ratio, 0.0) * capacity_wh
    room_wh = None
    if soc_ratio is not None and capacity_wh:
        room_wh = (1.0 - soc_ratio) * capacity_wh
    return _expected_wh(session, rating.charge_efficiency_ratio, room_wh)


def _expected_wh(session: ChargingSession, efficiency_ratio: float, room_wh: float | None) -> float:
    """Return what a vehicle is taken to need still [Wh, stored] where nobody says it.

    It is what is expected, as far as there is room in it. One that takes more is filled where it
    tells its state of charge, and given a little more where it does not: it stops itself.
    """
    if not session.takes:
        return 0.0
    known = session.expectation
    expected_wh = _ASSUMED_ENERGY_WH if known is None else known.required_energy_wh
    left_wh = expected_wh - (session.charged_energy_wh or 0.0)
    if left_wh <= 0 and room_wh is not None:
        return room_wh
    further_wh = max(expected_wh * _FURTHER_RATIO, _FURTHER_WH)
    needed_wh = (left_wh if left_wh > 0 else further_wh) * efficiency_ratio
    return needed_wh if room_wh is None else min(needed_wh, room_wh)


def _told(session: ChargingSession, beginning: Beginning) -> list[tuple[float, float]]:
    """Return what the charge point was told from the report on: powers [W], each for [h]."""
    if not session.takes or beginning.start <= session.measure_time:
        return []
    wait = TimeRange(session.measure_time, beginning.start)
    spans = ((each.range.intersect(wait), each.power_w) for each in beginning.told)
    return [(max(power_w, 0.0), span.duration / _HOUR) for span, power_w in spans if span]


def _urgency(session: ChargingSession) -> Urgency:
    """Return how urgent it is; at once below the state of charge that is needed at once."""
    need, soc_ratio = session.need, session.soc_ratio
    if need is None:
        return Urgency.FLEXIBLE
    at_once = need.immediate_soc_ratio
    if at_once is not None and soc_ratio is not None and soc_ratio < at_once:
        return Urgency.NOW
    return need.urgency


def _departures(session: ChargingSession) -> tuple[DepartureQuantile, ...]:
    """Return when it leaves: as learned, else around what was declared, else as vehicles do."""
    if session.expectation is not None and session.expectation.departures:
        return session.expectation.departures
    if session.need is None:
        return tuple(
            DepartureQuantile(ratio=ratio, departure_time=session.arrival_time + hours * _HOUR)
            for hours, ratio in _NOTHING_SAID
        )
    declared = session.need.departure_time
    length = max(declared - session.arrival_time, _LEAST_STAY)
    return tuple(
        DepartureQuantile(ratio=ratio, departure_time=declared + share * length)
        for share, ratio in _DECLARED
    )


def _latest(departures: Sequence[DepartureQuantile], start: datetime) -> datetime:
    """Return when nearly all have left."""
    late = (each.departure_time for each in departures if each.ratio >= _LATEST_RATIO)
    return max(next(late, departures[-1].departure_time), start + _LEAST_STAY)


def _min_soc_ratio(need: ChargingNeed | None) -> float:
    """Return what discharging leaves in the vehicle at least, 0 to 1."""
    if need is None:
        return _LEFT_IN_VEHICLE_RATIO
    given = (need.min_soc_ratio, need.immediate_soc_ratio, _LEFT_IN_VEHICLE_RATIO)
    return next(each for each in given if each is not None)


def _nobody_asked(session: ChargingSession, stay: Stay) -> Why:
    basis = "nothing known of past sessions"
    if session.expectation is not None:
        basis = session.expectation.reason
    detail = f"nobody said what it needs: {stay.required_wh / 1000:.1f} kWh by {basis}"
    return Why(topic=Topic.SESSIONS, reason=Reason.NOT_AVAILABLE, detail=detail)
