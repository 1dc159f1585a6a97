"""Assets with a made-up but plausible past, for the forecast's own arithmetic."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_forecast.domain.hours import HOUR, AssetHours, LocalClock, Sun
from wattmesh_kernel.time import TimeRange

START = datetime(2016, 8, 1, 7, tzinfo=UTC)
LOS_ANGELES = ZoneInfo("America/Los_Angeles")


def load_hours(
    days: int = 35,
    *,
    ahead: int = 48,
    start: datetime = START,
    zone: ZoneInfo = LOS_ANGELES,
    seed: int = 0,
) -> AssetHours:
    """A load with a day shape, a quieter weekend and noise; `ahead` hours without values."""
    count = days * 24 + ahead
    clock = LocalClock.of(TimeRange.of(start, count * HOUR), zone)
    shape = 600 + 400 * np.exp(-((clock.hour - 19) ** 2) / 8)
    noise = np.random.default_rng(seed).gamma(4, 0.25, count)
    power = shape * np.where(clock.weekday >= 5, 0.7, 1.0) * noise
    power[days * 24 :] = np.nan
    return AssetHours(start=start, power_w=power, clock=clock)


def pv_hours(
    days: int = 35,
    *,
    ahead: int = 48,
    start: datetime = START,
    zone: ZoneInfo = LOS_ANGELES,
    seed: int = 0,
) -> AssetHours:
    """A plant of 4 kW under a simple sun, with a clear-sky index that changes from day to day."""
    count = days * 24 + ahead
    span = TimeRange.of(start, count * HOUR)
    sun = simple_sun(start, count)
    index = np.random.default_rng(seed).beta(5, 2, count // 24 + 1).repeat(24)[:count]
    power = 3.6 * sun.clear_sky_w_m2 * index
    power[days * 24 :] = np.nan
    clock = LocalClock.of(span, zone)
    return AssetHours(start=start, power_w=power, clock=clock, sun=sun)


def simple_sun(start: datetime, count: int) -> Sun:
    """A sun that stands highest at 20:00 UTC and is up for ten hours."""
    hour = np.array([(start + i * HOUR).hour + 0.5 for i in range(count)])
    angle = (hour - 20 + 12) % 24 - 12
    height = np.cos(np.pi * angle / 10.0)
    up = (np.abs(angle) < 5) & (height > 0)
    return Sun(
        clear_sky_w_m2=np.where(up, 1000 * height, 0.0),
        elevation_degrees=np.where(up, 70 * height, -10.0),
        azimuth_degrees=180 + 15 * angle,
    )
