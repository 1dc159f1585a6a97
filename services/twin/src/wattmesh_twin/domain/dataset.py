"""A measured data set: sites with their series, the price and the grid's carbon intensity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import GroupId, TariffId, ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_twin.domain.charger import Visit
from wattmesh_twin.domain.climate import MeasuredClimate
from wattmesh_twin.domain.measured import MeasuredSeries
from wattmesh_twin.domain.physics import Drawn, SiteData, SitePhysics
from wattmesh_twin.domain.site import SiteSpec

_NONE: Mapping[str, Drawn] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RoomClimate:
    """What was measured around and in a room: outdoors [°C], sun [W/m²], people and devices [W]."""

    outdoor_celsius: Series
    sun_w_per_m2: Series
    gains_w: Series

    @property
    def start(self) -> datetime:
        """Since when all of it is measured."""
        return max(each.start for each in (self.outdoor_celsius, self.sun_w_per_m2, self.gains_w))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SiteMeasurements:
    """A site and what was measured there [W]: its loads, and what its PV plant could give.

    `visits` says who comes to each of its charge points, by arrival; `climates` what acts on each
    of its rooms.
    """

    spec: SiteSpec
    loads_w: Mapping[str, Series]
    pv_available_w: Series | None = None
    visits: Mapping[str, Sequence[Visit]] = field(default_factory=dict)
    climates: Mapping[str, RoomClimate] = field(default_factory=dict)

    def climate(self, room: str, clock: Clock) -> MeasuredClimate:
        """Return what acts on a room, under a clock."""
        measured = self.climates[room]
        return MeasuredClimate(
            outdoor_celsius=MeasuredSeries(measured.outdoor_celsius, clock),
            sun_w_per_m2=MeasuredSeries(measured.sun_w_per_m2, clock),
            gains_w=MeasuredSeries(measured.gains_w, clock),
        )

    def physics(
        self,
        clock: Clock,
        charge_points: Mapping[str, Drawn] = _NONE,
        consumers: Mapping[str, Drawn] = _NONE,
    ) -> SitePhysics:
        """Return the site under a clock: from here on nobody looks ahead."""
        pv = self.pv_available_w
        return SitePhysics(
            spec=self.spec,
            data=SiteData(
                loads_w={load: MeasuredSeries(each, clock) for load, each in self.loads_w.items()},
                pv_available_w=None if pv is None else MeasuredSeries(pv, clock),
                charge_points=charge_points,
                consumers=consumers,
            ),
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class EnergyPrices:
    """What a kWh costs: hourly import prices or one for all times, and one for export.

    Prices are in [currency/kWh]. The hourly ones are those of the data set, whole: a tariff is
    published, and `tariff.py` says what of it is known when.
    """

    tariff: TariffId
    display_name: str
    currency_code: str
    import_per_kwh: Series | float
    export_per_kwh: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class GridCarbon:
    """Average carbon intensity [gCO2e/kWh] of a grid zone, and who measured it."""

    zone: ZoneId
    source: str
    average_gco2e_per_kwh: Series


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DataSet:
    """Everything that drives the twin."""

    title: str
    group: GroupId
    group_display_name: str
    time_zone: str
    sites: tuple[SiteMeasurements, ...]
    prices: EnergyPrices
    carbon: GridCarbon | None = None
    peak_price_per_kw: float | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose days the tariff follows."""
        return ZoneInfo(self.time_zone)

    def measured_range(self) -> TimeRange:
        """Return the time in which all sites were measured, and what acts on their rooms."""
        series = self._series()
        return TimeRange(max(each.start for each in series), min(each.end for each in series))

    def raster(self, at_least: timedelta) -> timedelta:
        """Return the longest interval of any site's series, or `at_least`."""
        return max(at_least, *(each.resolution for each in self._series()))

    def _series(self) -> list[Series]:
        return [
            each
            for site in self.sites
            for each in (*site.loads_w.values(), site.pv_available_w, *_acting(site))
            if each is not None
        ]


def _acting(site: SiteMeasurements) -> list[Series]:
    return [
        series
        for each in site.climates.values()
        for series in (each.outdoor_celsius, each.sun_w_per_m2, each.gains_w)
    ]


def chosen(positions: str, count: int) -> list[int]:
    """Return the indices that a choice such as `1-3,5` names, counted from 1, of `count` sites.

    `chosen("1-3,5", 4)` is `[0, 1, 2]`: what is not there is left out. Error: InvalidArgument when
    it cannot be read or nothing is left.
    """
    indices: set[int] = set()
    for part in positions.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdecimal() or (last and not last.isdecimal()):
            raise InvalidArgument("INVALID_HOMES", f"{part!r} is no choice of homes", field="homes")
        indices.update(range(int(first) - 1, int(last or first)))
    found = [index for index in sorted(indices) if 0 <= index < count]
    if not found:
        raise InvalidArgument("INVALID_HOMES", f"no home among {positions}", field="homes")
    return found
