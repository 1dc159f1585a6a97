"""Rooms of a site beside their doubles: what plain rules would have made of the same weather."""

from dataclasses import replace
from datetime import datetime

from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import floor_time
from wattmesh_twin.app.run_zone import ZoneTwin
from wattmesh_twin.domain.rooms import HOUR, Double, Doubles, RoomMemory, RoomSpec
from wattmesh_twin.domain.telegram import RoomRecord
from wattmesh_twin.domain.zone import Own, Thermostat

AT_REST, SCHEDULE = "at_rest", "schedule"


class RoomTwin:
    """One room of a site: the zone that is metered and steered, and its doubles."""

    def __init__(self, spec: RoomSpec, twin: ZoneTwin, doubles: Doubles | None = None) -> None:
        self.spec = spec
        self.twin = twin
        self.doubles = doubles or {}

    @property
    def memory(self) -> RoomMemory:
        """What it goes on from after the twin was killed."""
        orders = self.twin.orders
        return RoomMemory(
            past=self.twin.past,
            setpoint_celsius=orders.setpoint_celsius,
            setpoint_end=orders.setpoint_end,
            on=orders.on,
            on_end=orders.on_end,
            doubles=dict(self.doubles),
        )

    def restore(self, memory: RoomMemory) -> None:
        """Go on from what was kept."""
        orders = replace(
            self.twin.orders,
            setpoint_celsius=memory.setpoint_celsius,
            setpoint_end=memory.setpoint_end,
            on=memory.on,
            on_end=memory.on_end,
        )
        self.twin.remember(memory.past, orders)
        self.doubles = dict(memory.doubles)

    def begin(self, moment: datetime) -> None:
        """Let the doubles begin as the room stands at a moment; what was before is forgotten."""
        self.twin.import_wh(moment)
        self.twin.forget(moment)
        state = next(each for each in reversed(self.twin.past) if each.time <= moment)
        self.doubles = {rule: Double(state=state) for rule in (AT_REST, SCHEDULE)}

    def forget(self, before: datetime) -> None:
        """Forget what a site's meter has seen."""
        self.twin.forget(before)

    def records(self, until: datetime, asset: AssetId) -> list[RoomRecord]:
        """Move the doubles on; return what all came to at each whole hour that has passed."""
        found = []
        start = min((each.state.time for each in self.doubles.values()), default=until)
        hour = floor_time(start, HOUR) + HOUR
        while hour <= until:
            self._move(hour)
            found.append(self._record(hour, asset))
            hour += HOUR
        return found

    def _move(self, hour: datetime) -> None:
        for rule, double in self.doubles.items():
            own: Own = self.spec.scheduled if rule == SCHEDULE else self.spec.at_rest
            self.doubles[rule] = self._moved(double, own, hour)

    def _moved(self, double: Double, own: Own, until: datetime) -> Double:
        """Return a double at `until`, its time outside of comfort counted by its steps."""
        while double.state.time < until:
            begin = double.state.time
            after = self.twin.next_change(begin) or until
            held: Thermostat = own.thermostat(begin)
            state = self.twin.zone.advance(double.state, held, min(after, until))
            outside_k = self.spec.comfort.band(begin).outside_k(state.interior_celsius)
            hours = (state.time - begin) / HOUR
            double = replace(double, state=state, outside_kh=double.outside_kh + outside_k * hours)
        return double

    def _record(self, hour: datetime, asset: AssetId) -> RoomRecord:
        band = self.spec.comfort.band(hour - HOUR)
        return RoomRecord(
            asset=asset,
            time=hour,
            low_celsius=band.low_celsius,
            high_celsius=band.high_celsius,
            import_wh=self.twin.import_wh(hour),
            rules_wh={rule: each.state.import_wh for rule, each in self.doubles.items()},
            rules_kh={rule: each.outside_kh for rule, each in self.doubles.items()},
        )
