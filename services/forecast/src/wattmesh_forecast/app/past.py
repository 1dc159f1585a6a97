"""The past of assets, as far as forecasting looks back."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_forecast.app.failures import failed
from wattmesh_forecast.app.ports import Calendar, Modules, Sky
from wattmesh_forecast.app.running_hour import RunningHour
from wattmesh_forecast.domain.hours import HOUR, AssetHours, Begun, Floats, LocalClock, Sun
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.outcome import NotForecast
from wattmesh_forecast.domain.running_hour import SoFar, estimated
from wattmesh_forecast.domain.screening import screened
from wattmesh_forecast.domain.subjects import Location, Subject
from wattmesh_forecast.domain.weather.hours import WeatherHours
from wattmesh_forecast.domain.wind.hub import at_standard_density, hub_speed
from wattmesh_forecast.domain.wind.screening import screened_turbines
from wattmesh_forecast.domain.wind.turbine import Turbine
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange, ceil_time, floor_time
from wattmesh_runtime.aio.tasks import together

LOOK_BACK = timedelta(days=45)
"""Four weeks of lags, tried over two weeks, and some days to spare."""
_CLOCKS_KEPT = 128


class PowerByAsset(Protocol):
    """Metered power, asset by asset."""

    async def power_w(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> Mapping[AssetId, Series | NotForecast]:
        """Return each asset's mean power per interval [W], or why it cannot be read."""


class KnownWeather(Protocol):
    """The weather as it is known now."""

    def known(self, place: Location, hours: TimeRange) -> WeatherHours | None:
        """Return the weather of every hour; None: nothing is known."""


class Past:
    """Puts metered power, local clock, sun and weather of assets on one raster of hours."""

    def __init__(
        self,
        history: PowerByAsset,
        sky: Sky,
        calendar: Calendar,
        weather: tuple[KnownWeather, Modules] | None = None,
        running: RunningHour | None = None,
    ) -> None:
        self._history = history
        self._sky = sky
        self._calendar = calendar
        self._weather = weather
        self._running = running
        self._clock = lru_cache(maxsize=_CLOCKS_KEPT)(self._clock_of)

    async def until(
        self, subjects: Sequence[Subject], now: datetime, end: datetime
    ) -> dict[AssetId, AssetHours | NotForecast]:
        """Return each asset's hours before `now`, and room for the hours up to `end`.

        The hour that is running is estimated where some of it is known.
        """
        known = TimeRange(floor_time(now - LOOK_BACK, HOUR), floor_time(now, HOUR))
        whole = TimeRange(known.start, ceil_time(max(end, now), HOUR))
        assets = [each.asset for each in subjects]
        power, so_far = await together(
            self._history.power_w(assets, known, HOUR), self._so_far(assets, now)
        )
        return await asyncio.to_thread(self._put_together, subjects, power, whole, so_far)

    async def _so_far(self, assets: Sequence[AssetId], now: datetime) -> Mapping[AssetId, SoFar]:
        return {} if self._running is None else await self._running.so_far(assets, now)

    async def over(
        self, subjects: Sequence[Subject], known: TimeRange, whole: TimeRange
    ) -> dict[AssetId, AssetHours | NotForecast]:
        """Return each asset over `whole`, measured within `known`, both of whole hours."""
        power = await self._history.power_w([each.asset for each in subjects], known, HOUR)
        return await asyncio.to_thread(self._put_together, subjects, power, whole, {})

    def _put_together(
        self,
        subjects: Sequence[Subject],
        power: Mapping[AssetId, Series | NotForecast],
        whole: TimeRange,
        so_far: Mapping[AssetId, SoFar],
    ) -> dict[AssetId, AssetHours | NotForecast]:
        places = {each.location for each in subjects if each.kind is Kind.PV and each.location}
        suns = self._sky.suns(places, whole)
        answers: dict[AssetId, AssetHours | NotForecast] = {
            asset: why for asset, why in power.items() if isinstance(why, NotForecast)
        }
        for kind in Kind:
            read = [
                (each, series)
                for each in subjects
                if each.kind is kind and isinstance(series := power[each.asset], Series)
            ]
            of_kind = self._of_kind(kind, read, suns, whole)
            answers |= _screened(kind, _begun(kind, of_kind, so_far))
        return answers

    def _clock_of(self, whole: TimeRange, zone: ZoneInfo) -> LocalClock:
        return LocalClock.of(whole, zone, self._calendar.days(zone, whole))

    def _of_kind(
        self,
        kind: Kind,
        read: Sequence[tuple[Subject, Series]],
        suns: Mapping[Location, Sun],
        whole: TimeRange,
    ) -> list[tuple[Subject, AssetHours]]:
        if not read:
            return []
        watts = kind.sign * np.stack([series.values_over(whole) for _, series in read])
        magnitudes = np.where(np.isfinite(watts), np.maximum(watts, 0.0), np.nan)
        clocks = {zone: self._clock(whole, zone) for zone in {each.zone for each, _ in read}}
        return [
            (
                each,
                self._with_weather(
                    each,
                    whole,
                    AssetHours(
                        start=whole.start,
                        power_w=power_w,
                        clock=clocks[each.zone],
                        sun=_sun(each, suns, len(power_w)),
                    ),
                ),
            )
            for (each, _), power_w in zip(read, magnitudes, strict=True)
        ]

    def _with_weather(self, subject: Subject, whole: TimeRange, hours: AssetHours) -> AssetHours:
        if self._weather is None or subject.location is None:
            return hours
        weather, modules = self._weather
        if (told := weather.known(subject.location, whole)) is None:
            return hours
        celsius = told.temperature_celsius
        if subject.turbine is not None:
            return replace(hours, wind_m_per_s=_hub_wind(Turbine.of(subject.turbine), told))
        if hours.sun is None:
            return replace(hours, temperature_celsius=celsius)
        if not np.isfinite(told.irradiance_w_m2).any():
            return hours
        shine = modules.effective_w_m2(
            subject, whole.start, hours.sun, told.irradiance_w_m2, celsius
        )
        return replace(hours, irradiance_w_m2=shine)


def _hub_wind(turbine: Turbine, told: WeatherHours) -> Floats | None:
    speed = hub_speed(told.winds_m_per_s, turbine.hub_height_m)
    if speed is None:
        return None
    return at_standard_density(
        speed, told.pressure_pa, told.temperature_celsius, turbine.hub_height_m
    )


def _begun(
    kind: Kind, read: Sequence[tuple[Subject, AssetHours]], so_far: Mapping[AssetId, SoFar]
) -> list[tuple[Subject, AssetHours]]:
    """Return assets of a kind with the running hour, where some of it is known."""
    known = [each for each in read if each[0].asset in so_far]
    if not known:
        return list(read)
    told = [so_far[subject.asset] for subject, _ in known]
    told = [replace(each, mean_w=kind.sign * each.mean_w) for each in told]
    position = known[0][1].index(told[0].until - timedelta(microseconds=1))
    power = np.stack([hours.power_w for _, hours in known])
    suns = [hours.sun for _, hours in known]
    whole, rest = estimated(kind, power, suns, position, told)
    power[:, position] = whole
    found = {
        subject.asset: replace(
            hours,
            power_w=power[number],
            begun=Begun(position=position, until=told[number].until, rest_w=float(rest[number])),
        )
        for number, (subject, hours) in enumerate(known)
    }
    return [(subject, found.get(subject.asset, hours)) for subject, hours in read]


def _screened(
    kind: Kind, read: Sequence[tuple[Subject, AssetHours]]
) -> dict[AssetId, AssetHours | NotForecast]:
    """Return assets of a kind without the hours that are not believed; one by one when it fails."""
    try:
        believed = _believed(kind, read)
    except Exception:
        if len(read) == 1:
            return {read[0][0].asset: failed(read[0][0].asset)}
        return {name: found for one in read for name, found in _screened(kind, [one]).items()}
    return {each.asset: found for (each, _), found in zip(read, believed, strict=True)}


def _believed(kind: Kind, read: Sequence[tuple[Subject, AssetHours]]) -> list[AssetHours]:
    if kind is Kind.WIND:
        return screened_turbines(read)
    return screened(kind, [found for _, found in read], [each.most_w for each, _ in read])


def _sun(subject: Subject, suns: Mapping[Location, Sun], hours: int) -> Sun | None:
    if subject.kind is not Kind.PV:
        return None
    return Sun.steady(hours) if subject.location is None else suns[subject.location]
