"""Hot water of a site beside its doubles: what plain rules would have made of the same draws."""

from dataclasses import dataclass
from datetime import datetime

from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import floor_time
from wattmesh_twin.app.run_rooms import AT_REST, SCHEDULE
from wattmesh_twin.app.run_tank import TankTwin
from wattmesh_twin.domain.hot_water import HotWaterSpec, TankDouble, moved
from wattmesh_twin.domain.rooms import HOUR
from wattmesh_twin.domain.tank import TankState
from wattmesh_twin.domain.tank_orders import TankOrders
from wattmesh_twin.domain.telegram import RoomRecord
from wattmesh_twin.domain.zone import Climate


@dataclass(frozen=True, kw_only=True, slots=True)
class TankMemory:
    """What of a tank is kept: how it stands, what it was told, its doubles."""

    state: TankState
    orders: TankOrders
    doubles: dict[str, TankDouble]


class HotWaterTwin:
    """One tank of a site: what is metered and steered, and its doubles."""

    def __init__(self, spec: HotWaterSpec, twin: TankTwin, climate: Climate) -> None:
        self.spec = spec
        self.twin = twin
        self._climate = climate
        self.doubles: dict[str, TankDouble] = {}

    @property
    def memory(self) -> TankMemory:
        """What it goes on from after the twin was killed."""
        return TankMemory(
            state=self.twin.look().state, orders=self.twin.orders, doubles=dict(self.doubles)
        )

    def restore(self, memory: TankMemory) -> None:
        """Go on from what was kept."""
        past = type(self.twin.past)()
        past.add(memory.state.time, memory.state.import_wh)
        self.twin.restore(memory.state, memory.orders, past)
        self.doubles = dict(memory.doubles)

    def begin(self, moment: datetime) -> None:
        """Let the doubles begin as it stands at a moment; what was before is forgotten."""
        state = self.twin.advance(moment)
        self.twin.past.forget(moment)
        self.doubles = {rule: TankDouble(state=state) for rule in (AT_REST, SCHEDULE)}

    def forget(self, before: datetime) -> None:
        """Forget what a site's meter has seen."""
        self.twin.past.forget(before)

    def records(self, until: datetime, asset: AssetId) -> list[RoomRecord]:
        """Move the doubles on; return what all came to at each whole hour that has passed."""
        found = []
        start = min((each.state.time for each in self.doubles.values()), default=until)
        hour = floor_time(start, HOUR) + HOUR
        while hour <= until:
            for rule, double in self.doubles.items():
                by_clock = rule == SCHEDULE
                self.doubles[rule] = moved(
                    double, self.spec, self._climate, hour, by_clock=by_clock
                )
            found.append(self._record(hour, asset))
            hour += HOUR
        return found

    def _record(self, hour: datetime, asset: AssetId) -> RoomRecord:
        self.twin.advance(hour)
        return RoomRecord(
            asset=asset,
            time=hour,
            low_celsius=self.spec.low_celsius,
            high_celsius=100.0,
            import_wh=self.twin.past.wh(hour),
            rules_wh={rule: each.state.import_wh for rule, each in self.doubles.items()},
            rules_kh={rule: each.outside_kh for rule, each in self.doubles.items()},
        )
