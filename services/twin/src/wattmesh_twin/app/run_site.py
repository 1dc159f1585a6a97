"""One site, alive: its state follows the clock, and its devices are asked and told."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.time import floor_time
from wattmesh_twin.app.ports import SiteJournal
from wattmesh_twin.app.run_charger import ChargerTwin
from wattmesh_twin.app.run_hot_water import HotWaterTwin
from wattmesh_twin.app.run_household import MachineTwin
from wattmesh_twin.app.run_rooms import RoomTwin
from wattmesh_twin.domain.generator import ordered
from wattmesh_twin.domain.lease import Lease
from wattmesh_twin.domain.physics import SitePhysics
from wattmesh_twin.domain.site import Powers, SiteSpec, SiteState
from wattmesh_twin.domain.telegram import (
    battery_record,
    island_record,
    telegrams_at,
    visit_records,
)

_NONE: Mapping[str, ChargerTwin] = MappingProxyType({})
_NO_MACHINES: Mapping[str, MachineTwin] = MappingProxyType({})
_NO_ROOMS: Mapping[str, RoomTwin | HotWaterTwin] = MappingProxyType({})


class SiteTwin:
    """A site whose state is that of the clock's now whenever it is looked at.

    Whoever asks first after a reporting time makes the telegrams of that time; `run` asks when
    nobody else does. Nothing is kept in memory alone: a twin that is killed goes on from its
    journal as if it had never been away, since between two orders the physics is determined.
    """

    def __init__(
        self,
        *,
        physics: SitePhysics,
        state: SiteState,
        clock: Clock,
        journal: SiteJournal,
        interval: timedelta,
        charge_points: Mapping[str, ChargerTwin] = _NONE,
        rooms: Mapping[str, RoomTwin | HotWaterTwin] = _NO_ROOMS,
        machines: Mapping[str, MachineTwin] = _NO_MACHINES,
    ) -> None:
        self._physics = physics
        self._state = state
        self._clock = clock
        self._journal = journal
        self._interval = interval
        self._charge_points = charge_points
        self._rooms = rooms
        self._machines = machines
        for id_, charger in charge_points.items():
            charger.changed = partial(self._keep_charger, id_)
        for room in rooms.values():
            room.twin.changed = partial(self._keep_room, room)
        for machine in machines.values():
            machine.twin.changed = partial(self._keep_machine, machine)

    @property
    def spec(self) -> SiteSpec:
        """What the site is."""
        return self._physics.spec

    @property
    def started(self) -> bool:
        """Whether the clock has reached the site's beginning; before, its devices are not up."""
        return self._clock.now() >= self._state.time

    def now(self) -> SiteState:
        """Return the state of this moment; that of the beginning while the clock stands before."""
        now = self._clock.now()
        while self._state.time < now:
            setpoint = self._state.setpoint
            self._advance(min(now, setpoint.expire_time) if setpoint else now)
            if setpoint and self._state.setpoint is None:
                self._record()
        return self._state

    def powers(self) -> Powers:
        """Return the powers of this moment."""
        return self._physics.now(self.now())

    def set_battery_power(self, power_w: float, duration: timedelta) -> None:
        """Order a battery power [W, charging positive] for `duration`; afterwards it idles."""
        state = self.now()
        self._order(replace(state, setpoint=Lease.of(power_w, state.time, duration)))

    def release_battery(self) -> None:
        """End the battery's order: it idles."""
        self._order(replace(self.now(), setpoint=None))

    def limit_pv(self, limit_ratio: float, duration: timedelta) -> None:
        """Limit the PV plant to a ratio of its peak power for `duration`."""
        state = self.now()
        self._order(replace(state, pv_limit=Lease.of(limit_ratio, state.time, duration)))

    def release_pv(self) -> None:
        """End the PV plant's limit."""
        self._order(replace(self.now(), pv_limit=None))

    def limit_wind(self, limit_ratio: float, duration: timedelta) -> None:
        """Limit the wind turbine to a ratio of its rated power for `duration`."""
        state = self.now()
        self._order(replace(state, wind_limit=Lease.of(limit_ratio, state.time, duration)))

    def release_wind(self) -> None:
        """End the wind turbine's limit."""
        self._order(replace(self.now(), wind_limit=None))

    def order_generator(self, order: Lease | None) -> None:
        """Tell the generator set a power out [W]; None: to stop as soon as it may."""
        state, spec = self.now(), self.spec.generator
        if spec is not None and state.generator is not None:
            self._order(replace(state, generator=ordered(spec, state.generator, order)))

    def order_switch(self, value: float, duration: timedelta) -> None:
        """Tell the switch to the grid to be open (0) or closed (1) for `duration`; 0 s: let go."""
        state, microgrid = self.now(), self.spec.microgrid
        if microgrid is not None and state.grid is not None:
            told = state.grid.ordered(value, duration)
            self._order(replace(state, grid=microgrid.grid_at(told, state.time)))

    async def run(self) -> None:
        """Keep the state up with the clock, from reporting time to reporting time, for ever."""
        while True:
            now = self.now().time
            await self._clock.sleep_until(floor_time(now, self._interval) + self._interval)

    def _advance(self, until: datetime) -> None:
        self._state, reports = self._physics.run(self._state, until, self._interval)
        for report in reports:
            self._journal.telegrams(telegrams_at(self.spec, report, self._interval))
            if record := battery_record(self.spec, report):
                self._journal.battery(record)
            if island := island_record(self.spec, report):
                self._journal.island(island)
        if reports:
            self._journal.save(self._state)
            self._keep_charge_points()
            self._keep_rooms()
            self._keep_machines()

    def _keep_charger(self, id_: str) -> None:
        self._journal.save_charger(id_, self._charge_points[id_].past)

    def _keep_charge_points(self) -> None:
        """Keep what of a charge point's past the site's meter has yet to see, and visits."""
        for id_, charger in self._charge_points.items():
            charger.forget(self._state.time)
            self._keep_charger(id_)
            most_a = self.spec.charge_point(id_).max_current_a
            state = charger.state_at(self._state.time)
            for record in visit_records(self.spec.asset(id_), state, most_a):
                self._journal.visit(record)

    def _keep_rooms(self) -> None:
        """Keep what the site's meter has yet to see of rooms and tanks, and what hours came to."""
        for room in self._rooms.values():
            for record in room.records(self._state.time, self.spec.asset(room.spec.id)):
                self._journal.room(record)
            room.forget(self._state.time)
            self._keep_room(room)

    def _keep_machines(self) -> None:
        """Keep what the site's meter has yet to see of machines, and what hours came to."""
        for machine in self._machines.values():
            for record in machine.records(self._state.time):
                self._journal.machine(record)
            machine.forget(self._state.time)
            self._keep_machine(machine)

    def _keep_machine(self, machine: MachineTwin) -> None:
        self._journal.save_machine(machine.spec.id, machine.memory)

    def _keep_room(self, room: RoomTwin | HotWaterTwin) -> None:
        self._journal.save_room(room.spec.id, room.memory)

    def _order(self, state: SiteState) -> None:
        self._state = state
        self._record()
        self._journal.save(state)

    def _record(self) -> None:
        if record := battery_record(self.spec, self._state):
            self._journal.battery(record)
