"""How a site's state moves through time: exact integration of piecewise constant powers.

There is no tick. Between two events (a data interval ends, a lease expires, the battery gets full
or empty, somebody asks) every power is constant, so energies are products, without integration
error, however rarely or often anybody looks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from wattmesh_kernel.time import floor_time
from wattmesh_twin.domain.battery import SECONDS_PER_HOUR, BatteryState
from wattmesh_twin.domain.generator import advance as advance_generator
from wattmesh_twin.domain.generator import events as generator_events
from wattmesh_twin.domain.lease import Lease
from wattmesh_twin.domain.measured import MeasuredSeries, next_change
from wattmesh_twin.domain.microgrid import WIND_STEP, Balance, balanced
from wattmesh_twin.domain.site import GRID_METER, Powers, SiteSpec, SiteState


class Drawn(Protocol):
    """Something that draws by laws of its own, of which the past alone is known."""

    def mean_power_w(self, start: datetime, end: datetime) -> float:
        """Return the mean power over a past span [W]."""

    def next_change(self, after: datetime) -> datetime | None:
        """Return until when at most it may be seen as one power."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteData:
    """Measured powers [W]: each load, and what the sun lets the PV plant give (not negative).

    `charge_points` are seen as the mean power of each span between two changes, of a minute at
    most while a vehicle is there: what they draw is exact, what of it is import while power changes
    its sign within that minute is not. Rooms and tanks, `consumers`,
    are seen so too, by five minutes.
    """

    loads_w: Mapping[str, MeasuredSeries]
    pv_available_w: MeasuredSeries | None = None
    charge_points: Mapping[str, Drawn] = field(default_factory=dict)
    consumers: Mapping[str, Drawn] = field(default_factory=dict)

    def series(self) -> list[MeasuredSeries]:
        """Return all series."""
        pv = [] if self.pv_available_w is None else [self.pv_available_w]
        return [*self.loads_w.values(), *pv]

    def next_change(self, moment: datetime) -> datetime | None:
        """Return the first moment after `moment` at which any of the powers may change."""
        drawn = (*self.charge_points.values(), *self.consumers.values())
        changes = [each.next_change(moment) for each in drawn]
        changes.append(next_change(self.series(), moment))
        return min((each for each in changes if each is not None), default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class SitePhysics:
    """The laws of one site."""

    spec: SiteSpec
    data: SiteData

    def powers(self, state: SiteState) -> Powers:
        """Return the powers at the moment of `state`."""
        return Powers(
            loads_w={load: each.current(state.time) for load, each in self.data.loads_w.items()},
            pv_w=self._pv_w(state),
            battery_w=self._battery_w(state),
            wind_w=self._wind_w(state),
            generator_w=self._generator_w(state),
        )

    def now(self, state: SiteState) -> Powers:
        """Return the powers at the moment of `state`, as the site balances itself without a grid.

        What draws by laws of its own is seen as in the minute before.
        """
        powers = self.powers(state)
        if not state.islanded:
            return powers
        start = state.time - timedelta(minutes=1)
        drawn = self._drawn(powers, start, state.time)
        return _as_powers(drawn, self._balance(state, drawn))

    def _drawn(self, powers: Powers, start: datetime, end: datetime) -> Powers:
        return replace(
            powers,
            charging_w=_drawn_w(self.data.charge_points, start, end),
            consumers_w=_drawn_w(self.data.consumers, start, end),
        )

    def _wind_w(self, state: SiteState) -> float:
        turbine = self.spec.turbine
        if turbine is None:
            return 0.0
        limit = 1.0 if state.wind_limit is None else state.wind_limit.value
        return -min(turbine.available_w(state.time), limit * turbine.rating.max_output_power_w)

    def _generator_w(self, state: SiteState) -> float:
        if self.spec.generator is None or state.generator is None:
            return 0.0
        return state.generator.power_w(self.spec.generator)

    def _balance(self, state: SiteState, powers: Powers) -> Balance:
        """Return how the site balances itself: what of its load is not measured draws nothing."""
        spec, battery = self.spec.battery, state.battery
        bounds = {"least": 0.0, "most": 0.0}
        if spec is not None and battery is not None:
            bounds = {
                "least": battery.power_w(spec, -spec.max_discharge_power_w),
                "most": battery.power_w(spec, spec.max_charge_power_w),
            }
        return balanced(
            load_w=sum(each or 0.0 for each in powers.loads_w.values()),
            others_w=powers.charging_w + powers.consumers_w + powers.generator_w,
            pv_w=powers.pv_w or 0.0,
            wind_w=powers.wind_w,
            battery=bounds,
        )

    def _pv_w(self, state: SiteState) -> float | None:
        if self.spec.pv is None or self.data.pv_available_w is None:
            return 0.0
        available_w = self.data.pv_available_w.current(state.time)
        limit_ratio = state.pv_limit.value if state.pv_limit else 1.0
        return None if available_w is None else self.spec.pv.power_w(available_w, limit_ratio)

    def _battery_w(self, state: SiteState) -> float:
        if self.spec.battery is None or state.battery is None or state.setpoint is None:
            return 0.0
        return state.battery.power_w(self.spec.battery, state.setpoint.value)

    def advance(self, state: SiteState, until: datetime) -> SiteState:
        """Return the state at `until`, which must not lie ahead of the clock."""
        while state.time < until:
            state = self._segment(state, self._next_event(state, until))
        return state

    def run(
        self, state: SiteState, until: datetime, interval: timedelta
    ) -> tuple[SiteState, list[SiteState]]:
        """Return the state at `until` and the states at each reporting time on the way.

        Reporting times lie on the UTC raster of `interval`, after `state.time` and up to `until`;
        their states still hold what belongs to the interval that ends there.
        """
        reports = []
        boundary = floor_time(state.time, interval) + interval
        while boundary <= until:
            state = self.advance(state, boundary)
            reports.append(state)
            state = state.next_interval()
            boundary += interval
        return self.advance(state, until), reports

    def _next_event(self, state: SiteState, until: datetime) -> datetime:
        leases = (state.setpoint, state.pv_limit, state.wind_limit)
        ends = [lease.expire_time for lease in leases if lease]
        ends += [each for each in self._own_events(state) if each > state.time]
        change = self.data.next_change(state.time)
        return min([until, *ends, *([change] if change else [])])

    def _own_events(self, state: SiteState) -> list[datetime]:
        """Return when wind, generator, grid and its switch may change next."""
        found = [] if self.spec.turbine is None else [floor_time(state.time, WIND_STEP) + WIND_STEP]
        if self.spec.generator is not None and state.generator is not None:
            found += generator_events(self.spec.generator, state.generator)
        if self.spec.microgrid is not None and state.grid is not None:
            change = self.spec.microgrid.next_change(state.time)
            found += state.grid.changes() + ([] if change is None else [change])
        return found

    def _segment(self, state: SiteState, end: datetime) -> SiteState:
        """Move to `end` over a time in which nothing but the battery's limits can intervene."""
        seconds = (end - state.time).total_seconds()
        drawn = self._drawn(self.powers(state), state.time, end)
        if state.islanded:
            moved = self._alone(state, drawn, seconds)
            return self._moved_on(moved, end)
        powers = drawn
        first = min(seconds, self._seconds_to_limit(state.battery, powers.battery_w))
        moved = self._flow(state, powers, first)
        if first < seconds:
            moved = self._flow(moved, replace(powers, battery_w=0.0), seconds - first)
        return self._moved_on(moved, end)

    def _alone(self, state: SiteState, drawn: Powers, seconds: float) -> SiteState:
        """Move on by so long without the grid; a battery at its limit leaves the rest unserved."""
        critical = 1.0 if self.spec.microgrid is None else self.spec.microgrid.critical_ratio
        while seconds > 1e-6:
            balance = self._balance(state, drawn)
            powers = _as_powers(drawn, balance)
            first = min(seconds, max(self._seconds_to_limit(state.battery, powers.battery_w), 1e-3))
            moved = self._flow(state, powers, first)
            state = replace(moved, island=moved.island.after(balance, critical, first))
            seconds -= first
        return state

    def _moved_on(self, state: SiteState, end: datetime) -> SiteState:
        """Return the state with what follows the clock by itself."""
        spec, generator, grid = self.spec, state.generator, state.grid
        if spec.generator is not None and generator is not None:
            generator = advance_generator(spec.generator, generator, end)
        if spec.microgrid is not None and grid is not None:
            grid = spec.microgrid.grid_at(grid, end)
        return _expire(replace(state, time=end, generator=generator, grid=grid))

    def _seconds_to_limit(self, battery: BatteryState | None, power_w: float) -> float:
        if battery is None or self.spec.battery is None:
            return float("inf")
        return battery.seconds_to_limit(self.spec.battery, power_w)

    def _flow(self, state: SiteState, powers: Powers, seconds: float) -> SiteState:
        battery = state.battery
        if battery is not None and self.spec.battery is not None:
            battery = battery.after(self.spec.battery, powers.battery_w, seconds)
        generated_wh = -(powers.pv_w or 0.0) * seconds / SECONDS_PER_HOUR
        return replace(
            state,
            battery=battery,
            pv_export_wh=state.pv_export_wh + generated_wh,
            wind_export_wh=state.wind_export_wh - powers.wind_w * seconds / SECONDS_PER_HOUR,
            meters={
                device: meter.after(self._metered_w(device, powers), seconds)
                for device, meter in state.meters.items()
            },
        )

    def _metered_w(self, device: str, powers: Powers) -> float | None:
        if device == GRID_METER:
            return powers.net_w
        return powers.loads_w[self.spec.sub_meters[device]]


def _drawn_w(drawn: Mapping[str, Drawn], start: datetime, end: datetime) -> float:
    return sum(each.mean_power_w(start, end) for each in drawn.values())


def _expire(state: SiteState) -> SiteState:
    return replace(
        state,
        setpoint=_running(state.setpoint, state.time),
        pv_limit=_running(state.pv_limit, state.time),
        wind_limit=_running(state.wind_limit, state.time),
    )


def _running(lease: Lease | None, now: datetime) -> Lease | None:
    return lease if lease and lease.expire_time > now else None


def _as_powers(drawn: Powers, balance: Balance) -> Powers:
    """Return the powers of a site that balances itself; what heats the air is in its load."""
    wanted_w = balance.wanted_w
    ratio = balance.served_w / wanted_w if wanted_w else 0.0
    loads_w = {name: each and each * ratio for name, each in drawn.loads_w.items()}
    if balance.dumped_w:
        first = next(iter(loads_w))
        loads_w[first] = (loads_w[first] or 0.0) + balance.dumped_w
    return replace(
        drawn,
        loads_w=loads_w,
        pv_w=None if drawn.pv_w is None else balance.pv_w,
        wind_w=balance.wind_w,
        battery_w=balance.battery_w,
    )
