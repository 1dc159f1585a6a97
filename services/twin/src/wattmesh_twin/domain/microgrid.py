"""A site that can do without the grid: its wind turbine and generator set, and how it goes on.

Without the grid the inverter of the battery forms one of its own, at once: it gives what is drawn
and takes what is over, as far as it can. What it cannot take, wind and sun give less of, as their
inverters do by its frequency, and what a generator gives at its least load heats the air. What it
cannot give is not served: the load gives way, what is critical last.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from wattmesh_kernel.sites import WindRating
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_twin.domain.grid_switch import NOMINAL_HZ, NOMINAL_V, GridSwitchState
from wattmesh_twin.domain.wind import DrawnWind, WindSite, power_w

WIND_STEP = timedelta(minutes=5)
"""How long wind is taken as one speed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TurbineSpec:
    """A wind turbine: what it is, where it stands and what blows there."""

    rating: WindRating
    wind: DrawnWind
    site: WindSite = field(default_factory=WindSite)

    def available_w(self, moment: datetime) -> float:
        """Return what the wind lets it give out [W], not negative, alike for five minutes."""
        middle = floor_time(moment, WIND_STEP) + WIND_STEP / 2
        return power_w(self.rating, self.wind.speed(middle), self.site)

    def mean_w(self, span: TimeRange) -> float:
        """Return what it gives out in the mean of a span, not curtailed [W]."""
        starts = span.starts(WIND_STEP)
        return sum(map(self.available_w, starts)) / len(starts)


@dataclass(frozen=True, kw_only=True, slots=True)
class MicrogridSpec:
    """How a site does without the grid, and when there is none.

    `critical_ratio`: what of the load must be served; `readiness`: for how long plans keep energy
    for it; `shed`: assets that are switched off first, in that order.
    """

    critical_ratio: float = 1.0
    readiness: timedelta | None = None
    shed: tuple[str, ...] = ()
    outages: tuple[TimeRange, ...] = ()

    def next_change(self, after: datetime) -> datetime | None:
        """Return when the grid next goes or comes back."""
        edges = (edge for each in self.outages for edge in (each.start, each.end))
        return min((edge for edge in edges if edge > after), default=None)

    def grid_at(self, grid: GridSwitchState, moment: datetime) -> GridSwitchState:
        """Return grid and switch at a later moment."""
        grid = grid.advanced(moment)
        out = any(each.contains(moment) for each in self.outages)
        if out and grid.voltage_v:
            return grid.with_grid(0.0, 0.0)
        if not out and not grid.voltage_v:
            return grid.with_grid(NOMINAL_V, NOMINAL_HZ)
        return grid


@dataclass(frozen=True, kw_only=True, slots=True)
class IslandCount:
    """What a site went through without the grid: time [s] and energies [Wh] so far."""

    seconds: float = 0.0
    wanted_wh: float = 0.0
    served_wh: float = 0.0
    critical_wanted_wh: float = 0.0
    critical_served_wh: float = 0.0
    curtailed_wh: float = 0.0

    def after(self, powers: "Balance", critical_ratio: float, seconds: float) -> "IslandCount":
        """Return it after so long with these powers."""
        hours = seconds / 3600.0
        critical_w = critical_ratio * powers.wanted_w
        return replace(
            self,
            seconds=self.seconds + seconds,
            wanted_wh=self.wanted_wh + powers.wanted_w * hours,
            served_wh=self.served_wh + powers.served_w * hours,
            critical_wanted_wh=self.critical_wanted_wh + critical_w * hours,
            critical_served_wh=self.critical_served_wh + min(critical_w, powers.served_w) * hours,
            curtailed_wh=self.curtailed_wh + powers.curtailed_w * hours,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Balance:
    """The powers of a site without the grid [W], magnitudes but for those into the component.

    `wanted_w` is what the load would draw, `served_w` what it does; `curtailed_w` what sun and wind
    give less, `dumped_w` what heats the air.
    """

    battery_w: float
    pv_w: float
    wind_w: float
    wanted_w: float
    served_w: float
    curtailed_w: float
    dumped_w: float


def balanced(
    *, load_w: float, others_w: float, pv_w: float, wind_w: float, battery: Mapping[str, float]
) -> Balance:
    """Return how a site balances itself; generation is negative, `others_w` cannot give way.

    `battery`: `least` and `most` are the powers between which it can be now. A load of 3 kW, sun of
    -1 kW and a battery that gives 1.5 kW at most: 2.5 kW are served.
    """
    rest_w = load_w + others_w + pv_w + wind_w
    battery_w = min(max(-rest_w, battery["least"]), battery["most"])
    left_w = rest_w + battery_w
    surplus_w = max(-left_w, 0.0)
    less_wind_w = min(surplus_w, -wind_w)
    less_pv_w = min(surplus_w - less_wind_w, -pv_w)
    return Balance(
        battery_w=battery_w,
        pv_w=pv_w + less_pv_w,
        wind_w=wind_w + less_wind_w,
        wanted_w=load_w,
        served_w=max(load_w - max(left_w, 0.0), 0.0),
        curtailed_w=less_wind_w + less_pv_w,
        dumped_w=surplus_w - less_wind_w - less_pv_w,
    )
