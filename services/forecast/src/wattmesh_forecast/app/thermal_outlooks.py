"""Issue outlooks of zones and tanks: identified once a day, said anew whenever asked for."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Protocol, TypeAlias

import numpy as np

from wattmesh_forecast.app.failures import failed
from wattmesh_forecast.app.past import KnownWeather
from wattmesh_forecast.app.ports import Calendar
from wattmesh_forecast.app.thermal_ahead import Ahead, along, days_off_of
from wattmesh_forecast.app.thermal_history import ThermalHistory, ThermalPast
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_forecast.domain.lags import either
from wattmesh_forecast.domain.occupancy.expected import expected_shares, mean_share
from wattmesh_forecast.domain.outcome import NotForecast, Reason
from wattmesh_forecast.domain.thermal import expected
from wattmesh_forecast.domain.thermal.identify import Identification, identify
from wattmesh_forecast.domain.thermal.influences import Plant, inputs_of
from wattmesh_forecast.domain.thermal.outlook import (
    TankOutlook,
    ZoneOutlook,
    draws_w,
    gains_w,
    identified_cop,
    thermal_model,
)
from wattmesh_forecast.domain.thermal.record import Floats, ZoneRecord
from wattmesh_forecast.domain.thermal.subjects import ThermalSubject
from wattmesh_forecast.domain.thermal.tracking import fading_k_per_h, standing
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.sites import HvacZoneRating, TankRating
from wattmesh_kernel.time import TimeRange, ceil_time, floor_time
from wattmesh_runtime.aio.tasks import together

log = logging.getLogger(__name__)

IDENTIFIED_FOR = timedelta(days=1)
_TRIED_FOR = timedelta(hours=6)
"""A zone that could not be identified is tried again so soon."""
_HEATS_BELOW_CELSIUS = 16.0
"""A plant that does both is taken to heat while it is colder outside, and to cool otherwise."""

Outlook: TypeAlias = ZoneOutlook | TankOutlook | NotForecast


class ThermalPlaces(Protocol):
    """Where zones and tanks are."""

    def thermal(self, asset: AssetId, at: datetime) -> ThermalSubject | NotForecast:
        """Return what is known of one, or why nothing can be said; Unavailable before all."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Known:
    """What was identified, of which zone, and when."""

    time: datetime
    subject: ThermalSubject
    found: Identification


class IssueThermalOutlooks:
    """Says how zones and tanks will answer; each its own outlook or its own reason.

    What is identified is kept in memory: after a restart it is identified again, in a quarter of a
    second of processor time for each zone. Somebody waits for that only the first time, and what
    has begun goes on though he does not: he finds it when he asks again.
    """

    def __init__(
        self,
        places: ThermalPlaces,
        history: ThermalHistory,
        clock: Clock,
        calendar: Calendar,
        weather: KnownWeather | None = None,
    ) -> None:
        self._calendar = calendar
        self._weather = weather
        self._places = places
        self._history = history
        self._clock = clock
        self._known: dict[AssetId, _Known] = {}
        self._renewed: set[AssetId] = set()

    @property
    def identified(self) -> frozenset[AssetId]:
        """The zones of which something is known."""
        return frozenset(self._known)

    async def __call__(self, wanted: Wanted) -> list[Outlook]:
        """Return an outlook of every asset, in the order asked."""
        wanted.check_time(self._clock.now())
        return list(await together(*(self._of(asset, wanted) for asset in wanted.assets)))

    async def _of(self, asset: AssetId, wanted: Wanted) -> Outlook:
        now = self._clock.now()
        subject = self._places.thermal(asset, now)
        if isinstance(subject, NotForecast):
            return subject
        try:
            past = await self._history.until(subject, now)
        except WattmeshError as error:
            return NotForecast(
                asset=asset, reason=Reason.HISTORY_UNAVAILABLE, message=error.message
            )
        if not np.isfinite(past.temperature).any():
            said = f"the temperature of {asset.name} was never measured"
            return NotForecast(asset=asset, reason=Reason.NO_HISTORY, message=said)
        self._renew(subject, past, now)
        try:
            return await asyncio.to_thread(self._said, subject, past, wanted, now)
        except Exception:
            return failed(asset)

    def _said(
        self, subject: ThermalSubject, past: ThermalPast, wanted: Wanted, now: datetime
    ) -> Outlook:
        if isinstance(subject.rating, TankRating):
            return _tank(subject, subject.rating, past, wanted, self._told(subject, past, wanted))
        plant, record = _plant(subject.rating), record_of(subject.rating, past, subject)
        known = self._before(subject)
        if known is None:
            known = self._identify(subject, record, now)
        ahead = Ahead(past, wanted, self._days_off(subject, past, wanted))
        return _zone(subject, record, plant, past, known, ahead, self._told(subject, past, wanted))

    def _days_off(
        self, subject: ThermalSubject, past: ThermalPast, wanted: Wanted
    ) -> frozenset[date]:
        """Return the holidays, of the past and of what is asked for, on which nobody is there."""
        whole = TimeRange(past.start, max(past.end, wanted.span.end))
        return days_off_of(past, subject, self._calendar.days(subject.zone, whole))

    def _told(self, subject: ThermalSubject, past: ThermalPast, wanted: Wanted) -> Floats | None:
        """Return the outdoor temperatures that are forecast from the past's end on; None: none."""
        if self._weather is None or subject.location is None:
            return None
        ahead, first = Ahead(past, wanted), floor_time(past.end, HOUR)
        end = ceil_time(past.end + ahead.count * past.step, HOUR)
        found = self._weather.known(subject.location, TimeRange(first, end))
        if found is None:
            return None
        hours = [(past.end + index * past.step - first) // HOUR for index in range(ahead.count)]
        return found.temperature_celsius[hours]

    def _before(self, subject: ThermalSubject) -> _Known | None:
        """Return what was identified of a zone as it is now; None: nothing."""
        known = self._known.get(subject.asset)
        return known if known is not None and known.subject == subject else None

    def _identify(self, subject: ThermalSubject, record: ZoneRecord, now: datetime) -> _Known:
        assert isinstance(subject.rating, HvacZoneRating)
        before = self._before(subject)
        fit = None if before is None else before.found.fit
        found = identify(record, _plant(subject.rating), fit)
        fresh = _Known(time=now, subject=subject, found=found)
        self._known[subject.asset] = fresh
        return fresh

    def _renew(self, subject: ThermalSubject, past: ThermalPast, now: datetime) -> None:
        """Identify a zone anew where that is due, while what was known stands; once at a time."""
        known, asset = self._before(subject), subject.asset
        if known is None or not isinstance(subject.rating, HvacZoneRating):
            return
        good_for = IDENTIFIED_FOR if known.found.usable else _TRIED_FOR
        if now - known.time < good_for or asset in self._renewed:
            return
        self._renewed.add(asset)
        record = record_of(subject.rating, past, subject)
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(None, self._identify, subject, record, now)
        work.add_done_callback(partial(self._has_renewed, asset))

    def _has_renewed(self, asset: AssetId, work: "asyncio.Future[_Known]") -> None:
        self._renewed.discard(asset)
        if not work.cancelled() and work.exception() is not None:
            log.error("%s cannot be identified", asset.name, exc_info=work.exception())


def _plant(rating: HvacZoneRating) -> Plant:
    return Plant(heating=rating.heating, cooling=rating.cooling)


def record_of(rating: HvacZoneRating, past: ThermalPast, subject: ThermalSubject) -> ZoneRecord:
    """Return a zone's past as identification takes it, its power split by use."""
    power = np.maximum(past.power_w, 0.0)
    both = rating.heating is not None and rating.cooling is not None
    heats: np.ndarray | bool = rating.heating is not None
    if both:
        heats = past.outdoor < _HEATS_BELOW_CELSIUS
    count = len(power)
    return ZoneRecord(
        hours=past.step / timedelta(hours=1),
        temperature_celsius=past.temperature,
        outdoor_celsius=past.outdoor,
        heating_w=np.where(heats, power, 0.0 * power),
        cooling_w=np.where(heats, 0.0 * power, power),
        hour_of_day=expected.hours_of_day(past.start, past.step, subject.zone, count),
        sun=past.sun,
        occupancy_ratio=past.occupancy,
    )


def _zone(
    subject: ThermalSubject,
    record: ZoneRecord,
    plant: Plant,
    past: ThermalPast,
    known: _Known,
    ahead: Ahead,
    told: Floats | None,
) -> ZoneOutlook:
    lately = expected.outdoor_ahead(record.outdoor_celsius, ahead.hours, ahead.count)
    outdoor = lately if told is None else either(told, lately)
    powers = expected.as_lately(np.maximum(past.power_w, 0.0), ahead.per_day, ahead.count)
    people = None
    if past.occupancy is not None:
        of_past = (past.occupancy, past.start, past.step, subject.zone)
        people = mean_share(*expected_shares(*of_past, ahead.count, ahead.days_off))
    said = ZoneOutlook(
        asset=subject.asset,
        identified=known.found,
        identify_time=known.time,
        outdoor_celsius=ahead.asked_if_known(outdoor),
        powers_w=ahead.asked_if_known(powers),
        occupancy_ratio=None if people is None else ahead.asked_if_known(people),
    )
    fit = known.found.fit
    if fit is None or not known.found.usable:
        return said
    stands = standing(fit, plant, record)
    if stands is None or said.outdoor_celsius is None:
        return said
    coming = ZoneRecord(
        hours=ahead.hours,
        temperature_celsius=np.full(ahead.count, np.nan),
        outdoor_celsius=outdoor,
        heating_w=np.zeros(ahead.count),
        cooling_w=np.zeros(ahead.count),
        hour_of_day=expected.hours_of_day(past.end, past.step, subject.zone, ahead.count),
        sun=None
        if past.sun is None
        else _or_nothing(expected.as_lately(past.sun, ahead.per_day, ahead.count)),
        occupancy_ratio=None if people is None else _or_nothing(people),
    )
    fading = fading_k_per_h(stands, ahead.count, ahead.hours)
    return ZoneOutlook(
        asset=said.asset,
        identified=said.identified,
        identify_time=said.identify_time,
        state_time=past.end,
        air_celsius=stands.air_celsius,
        mass_celsius=stands.mass_celsius if fit.rates.order == 2 else None,
        model=thermal_model(fit),
        heating_cop=identified_cop(fit, "heating", plant.heating),
        cooling_cop=identified_cop(fit, "cooling", plant.cooling),
        outdoor_celsius=said.outdoor_celsius,
        gains_w=ahead.asked(gains_w(fit, inputs_of(coming, plant), fading)),
        powers_w=said.powers_w,
        occupancy_ratio=said.occupancy_ratio,
        along_ratio=along(past, subject, ahead),
    )


def _tank(
    subject: ThermalSubject,
    rating: TankRating,
    past: ThermalPast,
    wanted: Wanted,
    told: Floats | None,
) -> TankOutlook:
    ahead = Ahead(past, wanted)
    draws, days = draws_w(
        rating,
        past.temperature,
        np.maximum(past.power_w, 0.0),
        past.outdoor,
        ahead.hours,
        ahead.count,
    )
    lately = expected.outdoor_ahead(past.outdoor, ahead.hours, ahead.count)
    outdoor = lately if told is None else either(told, lately)
    powers = expected.as_lately(np.maximum(past.power_w, 0.0), ahead.per_day, ahead.count)
    return TankOutlook(
        asset=subject.asset,
        days=days,
        reason=f"the mean of {days} days at each time of day" if days else "nothing was measured",
        draws_w=None if draws is None else ahead.asked(draws),
        outdoor_celsius=ahead.asked_if_known(outdoor),
        powers_w=ahead.asked_if_known(powers),
    )


def _or_nothing(values: Floats) -> Floats:
    return np.nan_to_num(values)
