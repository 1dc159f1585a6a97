"""Comfort and prices: the same for all ways."""

from dataclasses import dataclass
from datetime import datetime

from wattmesh_kernel.comfort import ZonePeriod, ZoneSchedule
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.sites import ComfortBand
from wattmesh_kernel.tariff import (
    WEEKDAYS,
    ClockRange,
    Day,
    EnergyRates,
    Tariff,
    TouPeriod,
    Window,
)

NIGHT_PRICE, DAY_PRICE, EVENING_PRICE = 0.15, 0.30, 0.45
_EARLY_HOURS = 1
"""By how much a thermostat's schedule begins before people come."""
_AHEAD_HOURS = 2
"""By how much the rule by price begins before energy gets dearer."""
_MARGIN_K = 0.3

TARIFF = Tariff(
    id=TariffId("bench"),
    currency_code="EUR",
    import_rates=EnergyRates(
        tou_periods=(
            TouPeriod(
                name="night",
                price_per_kwh=NIGHT_PRICE,
                window=Window(clock_ranges=(ClockRange.hours(22, 6),)),
            ),
            TouPeriod(
                name="evening",
                price_per_kwh=EVENING_PRICE,
                window=Window(clock_ranges=(ClockRange.hours(17, 21),)),
            ),
            TouPeriod(name="day", price_per_kwh=DAY_PRICE),
        )
    ),
)


def price_per_kwh(moment: datetime) -> float:
    """Return the price at a moment [currency/kWh]."""
    if moment.hour >= 22 or moment.hour < 6:
        return NIGHT_PRICE
    return EVENING_PRICE if 17 <= moment.hour < 21 else DAY_PRICE


@dataclass(frozen=True, kw_only=True)
class Comfort:
    """The bands of a zone, and what plain rules make of them."""

    cooled: bool
    occupied: ComfortBand
    away: ComfortBand
    from_hour: int
    to_hour: int
    days: frozenset[Day]

    def there(self, moment: datetime, early: int = 0) -> bool:
        """Return whether the band for people holds, or will within `early` hours."""
        day = Day(moment.weekday() + 1)
        return day in self.days and self.from_hour - early <= moment.hour < self.to_hour

    def band(self, moment: datetime) -> tuple[float, float]:
        """Return the edges of comfort [°C]."""
        band = self.occupied if self.there(moment) else self.away
        return band.min_temperature_celsius, band.max_temperature_celsius

    def edge(self, moment: datetime) -> float:
        """Return what a thermostat with a schedule is set to: the edge, an hour ahead."""
        band = self.occupied if self.there(moment, _EARLY_HOURS) else self.away
        if self.cooled:
            return band.max_temperature_celsius - _MARGIN_K
        return band.min_temperature_celsius + _MARGIN_K

    def by_price(self, moment: datetime) -> float:
        """Return the same, but the far edge for hours before energy gets dearer."""
        dearer = max(
            price_per_kwh(moment.replace(hour=(moment.hour + ahead) % 24))
            for ahead in range(1, _AHEAD_HOURS + 1)
        )
        if dearer <= price_per_kwh(moment) or not self.there(moment, _AHEAD_HOURS):
            return self.edge(moment)
        low, high = self.occupied.min_temperature_celsius, self.occupied.max_temperature_celsius
        return low + _MARGIN_K if self.cooled else high - _MARGIN_K

    @property
    def schedule(self) -> ZoneSchedule:
        """The same as people say it to usage."""
        hours = Window(
            days=self.days, clock_ranges=(ClockRange.hours(self.from_hour, self.to_hour),)
        )
        periods = (ZonePeriod(window=hours, band=self.occupied), ZonePeriod(band=self.away))
        return ZoneSchedule(name="bench", periods=periods)


def comfort_of(cooled: bool, office: bool) -> Comfort:
    """Return what is wanted of a zone."""
    occupied, away = (20.0, 23.0), (17.0, 24.0)
    if cooled:
        occupied, away = (21.0, 24.5), (18.0, 28.0)
    return Comfort(
        cooled=cooled,
        occupied=_band(*occupied),
        away=_band(*away),
        from_hour=8 if office else 6,
        to_hour=18 if office else 22,
        days=WEEKDAYS if office else frozenset(Day),
    )


def _band(low: float, high: float) -> ComfortBand:
    return ComfortBand(min_temperature_celsius=low, max_temperature_celsius=high)
