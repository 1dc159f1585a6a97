"""The stay of a vehicle at a connector, as it goes on with every message of the charge point."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from wattmesh_gateway.domain.session import SessionState
from wattmesh_gateway.domain.stay import Stay
from wattmesh_gateway.drivers.ocpp.heard import Ended, Heard, Measured

_IMPORT = "import_energy_wh"


@dataclass(frozen=True, kw_only=True, slots=True)
class Occupancy:
    """What is known of a connector. `free_time`: when it was last said to be free.

    Neither `stay` nor `free_time`: nothing was said yet.
    """

    stay: Stay | None = None
    free_time: datetime | None = None

    @property
    def plugged_in_ratio(self) -> float | None:
        """1 with a vehicle, 0 without, None when nothing was said."""
        if self.stay is not None:
            return 1.0
        return None if self.free_time is None else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What a message made of a connector: how it stands now, and a stay that has just ended."""

    now: Occupancy
    ended: Stay | None = None

    @property
    def told(self) -> Stay | None:
        """The stay that the message was about."""
        return self.ended or self.now.stay


def advance(before: Occupancy, heard: Heard) -> Step:
    """Return what a message makes of a connector; a repeated one changes nothing.

    What comes late, as a charge point sends what it kept while it was alone, adds to what is known
    and takes nothing back.
    """
    stay = _begun(before, heard)
    if stay is None:
        free = _latest(before.free_time, heard.time) if heard.plugged_in is False else None
        return Step(now=Occupancy(free_time=free or before.free_time))
    late = heard.time < stay.measure_time
    stay = _metered(stay, heard)
    if not late:
        stay = replace(
            stay,
            state=heard.state or stay.state,
            token=stay.token or heard.token,
            measure_time=heard.time,
        )
    if _leaves(before, heard, stay):
        ended = replace(stay, state=SessionState.ENDED, departure_time=stay.measure_time)
        return Step(
            now=Occupancy(free_time=_latest(before.free_time, heard.time)),
            ended=ended,
        )
    return Step(now=Occupancy(stay=stay, free_time=before.free_time))


def energy_of(stay: Stay, measured: Measured) -> float | None:
    """Return the energy charged since the arrival [Wh] at a moment; None when it does not say."""
    register = measured.values.get(_IMPORT)
    if register is None or stay.import_start_wh is None or measured.time < stay.arrival_time:
        return None
    return max(register - stay.import_start_wh, 0.0)


def _begun(before: Occupancy, heard: Heard) -> Stay | None:
    """Return the stay that goes on or begins; None when there is no vehicle."""
    if before.stay is not None or not heard.plugged_in or isinstance(heard.transaction, Ended):
        return before.stay
    if before.free_time is not None and heard.time < before.free_time and not heard.transaction:
        return None
    return Stay(arrival_time=heard.time, measure_time=heard.time)


def _leaves(before: Occupancy, heard: Heard, stay: Stay) -> bool:
    if heard.plugged_in is False and heard.time >= stay.arrival_time:
        return True
    past = before.free_time is not None and stay.measure_time < before.free_time
    return past and isinstance(heard.transaction, Ended)


def _metered(stay: Stay, heard: Heard) -> Stay:
    for measured in sorted(heard.measured, key=lambda each: each.time):
        if measured.time < stay.arrival_time:
            continue
        register = measured.values.get(_IMPORT)
        if register is not None and stay.import_start_wh is None:
            stay = replace(stay, import_start_wh=register)
        energy = energy_of(stay, measured)
        if energy is not None:
            stay = replace(stay, charged_energy_wh=max(energy, stay.charged_energy_wh or 0.0))
        soc = measured.values.get("soc_ratio")
        if soc is not None and not _before(measured.time, stay.soc_measure_time):
            stay = replace(stay, soc_ratio=soc, soc_measure_time=measured.time)
    return stay


def with_state_of_connector(
    heard: Heard, step: Step, arrival: datetime, *, whole: bool
) -> Sequence[Measured]:
    """Return what a message measured, with what follows from it of the vehicle.

    `whole`: the message was the charge point's as a whole, and says that things are as they were.
    """
    stay = step.told
    measured = [_with_energy(each, stay) for each in heard.measured]
    ratio = step.now.plugged_in_ratio
    moment = arrival if whole else heard.time
    silent = heard.plugged_in is None and not whole and not measured
    if ratio is None or silent or _is_late(moment, step.now):
        return measured
    return [*measured, Measured(time=moment, values={"plugged_in_ratio": ratio})]


def _is_late(moment: datetime, now: Occupancy) -> bool:
    """Return whether something newer is known of the connector."""
    newest = now.stay.measure_time if now.stay else now.free_time
    return _before(moment, newest)


def _with_energy(measured: Measured, stay: Stay | None) -> Measured:
    energy = energy_of(stay, measured) if stay else None
    if energy is None:
        return measured
    return Measured(time=measured.time, values={**measured.values, "session_energy_wh": energy})


def _latest(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)


def _before(one: datetime, other: datetime | None) -> bool:
    return other is not None and one < other
