"""A diesel generator set: started, at its least load or above, with fuel that runs out.

Fuel by the line that generators follow from no load to full load (Skarstein and Uhlen, Design
considerations with respect to long-term diesel saving in wind/diesel plants, Wind Engineering 13
(1989)): 0.246 l an hour for each kW given out, and 0.084 for each kW rated. A litre burnt is
2.66 kg CO2e (UK Government GHG conversion factors, diesel of mineral oil).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from wattmesh_kernel.time import TimeRange
from wattmesh_twin.domain.lease import Lease

FUEL_L_PER_KWH = 0.246
FUEL_L_PER_RATED_KWH = 0.08415
KG_CO2E_PER_L = 2.66
_HOUR = timedelta(hours=1)


class Stage(Enum):
    """What a generator is doing."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    LOCKED = "locked"
    """Maintained, or out of fuel: it takes orders and does nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneratorSpec:
    """What a generator set is; powers [W], fuel [l].

    Once started it needs `start_duration` until it takes load, and runs for `min_run_duration` at
    least: told less, or nothing, it goes on at its least load.
    """

    rated_w: float
    least_w: float = 0.0
    start_duration: timedelta = timedelta(seconds=10)
    min_run_duration: timedelta = timedelta(0)
    fuel_l: float = 100.0
    maintenance: tuple[TimeRange, ...] = ()

    def fuel_l_per_hour(self, power_w: float) -> float:
        """Return what it burns while it runs: 10 kW rated at 5 kW burn 2.07 l an hour."""
        return (FUEL_L_PER_KWH * power_w + FUEL_L_PER_RATED_KWH * self.rated_w) / 1000.0


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneratorState:
    """How a generator stands at `time`; `started` None: it does not run."""

    time: datetime
    fuel_l: float
    energy_wh: float = 0.0
    burnt_l: float = 0.0
    starts: int = 0
    started: datetime | None = None
    order: Lease | None = None

    def told_w(self, spec: GeneratorSpec) -> float:
        """Return the power out that it is told [W]; 0: to stand still."""
        order = self.order
        if order is None or not order.start_time <= self.time < order.expire_time:
            return 0.0
        return min(max(order.value, 0.0), spec.rated_w)

    def stage(self, spec: GeneratorSpec) -> Stage:
        """Return what it is doing."""
        if self.fuel_l <= 0 or any(each.contains(self.time) for each in spec.maintenance):
            return Stage.LOCKED
        if self.started is None:
            return Stage.STOPPED
        begun = self.time < self.started + spec.start_duration
        return Stage.STARTING if begun else Stage.RUNNING

    def power_w(self, spec: GeneratorSpec) -> float:
        """Return the power into it [W]: negative while it runs."""
        if self.stage(spec) is not Stage.RUNNING:
            return 0.0
        return -max(self.told_w(spec), spec.least_w)


def ordered(spec: GeneratorSpec, state: GeneratorState, order: Lease | None) -> GeneratorState:
    """Return it once it is told something else; None: nothing any more."""
    return _switched(spec, replace(state, order=order))


def advance(spec: GeneratorSpec, state: GeneratorState, until: datetime) -> GeneratorState:
    """Return it at a later moment; between two events its power is constant."""
    while state.time < until:
        end = min([until, *(each for each in events(spec, state) if each > state.time)])
        state = _switched(spec, _flow(spec, state, end))
    return state


def events(spec: GeneratorSpec, state: GeneratorState) -> list[datetime]:
    """Return when its stage or power may change, whatever comes first."""
    found = [end for each in spec.maintenance for end in (each.start, each.end)]
    if state.order is not None:
        found += [state.order.start_time, state.order.expire_time]
    if state.started is not None:
        found += [state.started + spec.start_duration, _may_stop(spec, state.started)]
        burns = spec.fuel_l_per_hour(-state.power_w(spec))
        left = max(state.fuel_l / burns * _HOUR, timedelta(microseconds=1))
        found.append(state.time + left)
    return found


def _may_stop(spec: GeneratorSpec, started: datetime) -> datetime:
    return started + spec.start_duration + spec.min_run_duration


def _flow(spec: GeneratorSpec, state: GeneratorState, end: datetime) -> GeneratorState:
    hours, given_w = (end - state.time) / _HOUR, -state.power_w(spec)
    running = state.stage(spec) in (Stage.STARTING, Stage.RUNNING)
    burnt = min(spec.fuel_l_per_hour(given_w) * hours if running else 0.0, state.fuel_l)
    left = state.fuel_l - burnt
    return replace(
        state,
        time=end,
        energy_wh=state.energy_wh + given_w * hours,
        burnt_l=state.burnt_l + burnt,
        fuel_l=left if left > 1e-6 else 0.0,
    )


def _switched(spec: GeneratorSpec, state: GeneratorState) -> GeneratorState:
    """Start it or stop it, as it is told and may."""
    if state.stage(spec) is Stage.LOCKED:
        return replace(state, started=None)
    wanted = state.told_w(spec) > 0
    if wanted and state.started is None:
        return replace(state, started=state.time, starts=state.starts + 1)
    if not wanted and state.started is not None:
        early = state.stage(spec) is Stage.STARTING
        if early or state.time >= _may_stop(spec, state.started):
            return replace(state, started=None)
    return state
