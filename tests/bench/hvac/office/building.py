"""The office as its owner would enter it: zones, meters, tariff, and when somebody is there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from wattmesh_kernel.comfort import ZonePeriod, ZoneSchedule, ZoneWishes
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, SiteId, TariffId
from wattmesh_kernel.sites import (
    Asset,
    ComfortBand,
    CopPoint,
    Device,
    DeviceFunction,
    GridConnectionRating,
    HeatPumpRating,
    HvacZoneRating,
    LoadRating,
    MeterRole,
    MqttConnection,
    PlanningGoals,
    Resource,
    Site,
    SiteModel,
    SiteModelChange,
)
from wattmesh_kernel.tariff import (
    WEEKDAYS,
    ClockRange,
    EnergyRates,
    Tariff,
    TouPeriod,
    Window,
)
from wattmesh_kernel.time import TimeRange

QUARTER = timedelta(minutes=15)
ZONE_TIME = ZoneInfo("America/Denver")
SITE, TARIFF_ID = SiteId("office"), TariffId("office")
REST, GRID = AssetId(SITE, "rest"), AssetId(SITE, "grid")
"""What else the building uses: light, plugs, fans; and its connection."""
ZONES = tuple(AssetId(SITE, name) for name in ("core", "south", "east", "north", "west"))
LEARNT_DAYS = JUDGED_DAYS = 14
DEAR, CHEAP = 0.40, 0.12
OCCUPIED = ClockRange.hours(8, 18)
"""While more than a tenth of the people are there, by the model's own schedule."""
COMFORT = ComfortBand(min_temperature_celsius=20.0, max_temperature_celsius=25.0)
AWAY = ComfortBand(min_temperature_celsius=15.6, max_temperature_celsius=29.4)
"""What the building's own schedule keeps while nobody is there."""
_MOST_W = 1_500.0
_METERED = frozenset(
    {
        "temperature_celsius",
        "active_power_w",
        "outdoor_temperature_celsius",
        "irradiance_w_per_m2",
        "occupancy_ratio",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Season:
    """Two weeks that are judged, and the two before them; the weather file knows no year, and the
    model's year begins on a Sunday."""

    name: str
    first: date
    cooled: bool
    closed: frozenset[date]

    @property
    def start(self) -> datetime:
        """When the first day begins: the simulation's days are those of standard time."""
        moment = datetime(self.first.year, self.first.month, self.first.day, tzinfo=UTC)
        return moment + timedelta(hours=7)

    @property
    def judged_from(self) -> datetime:
        """When the judged days begin."""
        return self.start + timedelta(days=LEARNT_DAYS)

    def occupied(self, moment: datetime) -> bool:
        """Whether people are there, by the clock on the wall."""
        local = moment.astimezone(ZONE_TIME)
        works = local.weekday() < 5 and local.date() not in self.closed
        return works and 8 <= local.hour < 18

    def price_per_kwh(self, moment: datetime) -> float:
        """Return the price [currency/kWh]."""
        local = moment.astimezone(ZONE_TIME)
        works = local.weekday() < 5 and local.date() not in self.closed
        return DEAR if works and 12 <= local.hour < 18 else CHEAP


SEASONS = {
    "july": Season(
        name="july",
        first=date(2018, 6, 17),
        cooled=True,
        closed=frozenset({date(2018, 7, 4)}),
    ),
    "january": Season(
        name="january",
        first=date(2022, 12, 18),
        cooled=False,
        closed=frozenset({date(2022, 12, 25), date(2023, 1, 1)}),
    ),
}


def site_model(season: Season, goals: PlanningGoals) -> SiteModel:
    """Return the office."""
    resources: list[Resource] = [_tariff(season), _site(goals)]
    resources.append(Asset(id=GRID, rating=GridConnectionRating()))
    resources.append(Asset(id=REST, rating=LoadRating()))
    for zone in ZONES:
        resources += _zone(zone, season)
    return SiteModel().apply(SiteModelChange(revision=1, changed=tuple(resources)))


def _site(goals: PlanningGoals) -> Site:
    return Site(
        id=SITE,
        time_zone=ZONE_TIME.key,
        currency_code="USD",
        tariff=TARIFF_ID,
        latitude_degrees=39.72,
        longitude_degrees=-104.75,
        goals=goals,
    )


def _zone(zone: AssetId, season: Season) -> Sequence[Resource]:
    function = DeviceFunction(asset=zone, meter_role=MeterRole.MAIN, controls=True)
    device = Device(
        id=DeviceId(SITE, zone.segment),
        profile="heat-pump",
        gateway=GatewayId("local"),
        connection=MqttConnection(address=f"office/{zone.segment}"),
        reporting_interval=timedelta(minutes=5),
        points=_METERED,
        functions=(function,),
    )
    pump = heat_pump(season.cooled)
    rating = HvacZoneRating(
        occupied_band=COMFORT,
        unoccupied_band=AWAY,
        heating=None if season.cooled else pump,
        cooling=pump if season.cooled else None,
    )
    return Asset(id=zone, rating=rating), device


def heat_pump(cooling: bool) -> HeatPumpRating:
    """Return what a maker's sheet says of such a machine; the real efficiencies are found out."""
    points = ((20.0, 4.5), (35.0, 3.2)) if cooling else ((-8.0, 2.2), (8.0, 3.3))
    return HeatPumpRating(
        max_power_w=_MOST_W,
        cop_points=tuple(
            CopPoint(outdoor_temperature_celsius=at, cop_ratio=cop) for at, cop in points
        ),
    )


def wishes(season: Season) -> ZoneWishes:
    """Return what people have said: when they are there, and on which days nobody is."""
    here = Window(days=WEEKDAYS, clock_ranges=(OCCUPIED,))
    always = ZonePeriod(band=AWAY)
    holidays = tuple(
        ZoneSchedule(name=f"closed {day}", priority=1, range=_whole(day), periods=(always,))
        for day in sorted(season.closed)
    )
    usual = ZoneSchedule(name="office", periods=(ZonePeriod(window=here, band=COMFORT), always))
    return ZoneWishes(schedules=(usual, *holidays))


def _whole(day: date) -> TimeRange:
    begin = datetime(day.year, day.month, day.day, tzinfo=ZONE_TIME)
    return TimeRange(begin.astimezone(UTC), (begin + timedelta(days=1)).astimezone(UTC))


def _tariff(season: Season) -> Tariff:
    dear = Window(days=WEEKDAYS, clock_ranges=(ClockRange.hours(12, 18),))
    return Tariff(
        id=TARIFF_ID,
        currency_code="USD",
        holidays=season.closed,
        import_rates=EnergyRates(
            tou_periods=(
                TouPeriod(name="afternoon", price_per_kwh=DEAR, window=dear),
                TouPeriod(name="rest", price_per_kwh=CHEAP),
            )
        ),
    )
