"""Hot water at a site: a tank with its heater, between what is needed and what it bears.

Two plain rules stand beside control: a thermostat that is left as it is, and a clock that lowers it
while energy is dear.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from wattmesh_kernel.checks import require_between
from wattmesh_twin.domain.tank import STEP, TankSpec, TankState, advance
from wattmesh_twin.domain.tank_orders import TankOrders
from wattmesh_twin.domain.zone import Climate


@dataclass(frozen=True, kw_only=True, slots=True)
class HotWaterSpec:
    """A tank: its asset and device are `id`. Temperatures [°C]: least, most, and as people set it.

    The clock lowers it to `lowered_celsius` from `lowered_hour` to `raised_hour`, local.
    """

    id: str
    zone: ZoneInfo
    tank: TankSpec
    low_celsius: float = 45.0
    high_celsius: float = 60.0
    own_celsius: float = 53.0
    lowered_celsius: float = 48.0
    lowered_hour: int = 16
    raised_hour: int = 21
    display_name: str = ""

    def __post_init__(self) -> None:
        require_between(self.own_celsius, self.low_celsius, self.high_celsius, "own_celsius")

    def clock_celsius(self, moment: datetime) -> float:
        """Return what the clock sets at a moment."""
        hour = moment.astimezone(self.zone).hour
        dear = self.lowered_hour <= hour < self.raised_hour
        return self.lowered_celsius if dear else self.own_celsius

    @property
    def orders(self) -> TankOrders:
        """What holds while nobody orders anything."""
        return TankOrders(own_celsius=self.own_celsius)


@dataclass(frozen=True, kw_only=True, slots=True)
class TankDouble:
    """The same tank under a plain rule, and its time below what is needed [K h]."""

    state: TankState
    outside_kh: float = 0.0


def moved(
    double: TankDouble,
    spec: HotWaterSpec,
    climate: Climate,
    until: datetime,
    *,
    by_clock: bool,
) -> TankDouble:
    """Return a double at `until`; draws are the climate's gains, taken out [W]."""
    while double.state.time < until:
        now = double.state.time
        around = climate.at(now)
        step = min(STEP, until - now)
        celsius = spec.clock_celsius(now) if by_clock else spec.own_celsius
        state = advance(
            spec.tank, double.state, celsius, around.outdoor_celsius, around.gains_w, step
        )
        missing_k = max(spec.low_celsius - state.celsius, 0.0)
        double = replace(
            double,
            state=state,
            outside_kh=double.outside_kh + missing_k * (step / timedelta(hours=1)),
        )
    return double
