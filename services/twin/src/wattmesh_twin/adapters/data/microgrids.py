"""Wind turbines, generator sets and microgrids of a layout as what they are to the twin."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from wattmesh_kernel.sites import PowerCurvePoint, WindRating
from wattmesh_kernel.time import TimeRange, to_utc
from wattmesh_twin.adapters.data.layout import Generator, Microgrid, Outage, Wind
from wattmesh_twin.domain.generator import GeneratorSpec
from wattmesh_twin.domain.microgrid import MicrogridSpec, TurbineSpec
from wattmesh_twin.domain.wind import DrawnWind

_CURVE = (3.0, 0.0), (5.0, 0.10), (7.0, 0.33), (9.0, 0.66), (11.0, 0.95), (12.0, 1.0), (25.0, 1.0)
"""Of a small turbine that regulates by pitch: wind speed [m/s] and part of its rated power."""


def wind_rating(rated_w: float, hub_height_m: float) -> WindRating:
    """Return a turbine with the curve that small ones have."""
    return WindRating(
        max_output_power_w=rated_w,
        hub_height_m=hub_height_m,
        power_curve=tuple(
            PowerCurvePoint(wind_speed_m_per_s=speed, output_power_w=ratio * rated_w)
            for speed, ratio in _CURVE
        ),
        curtailable=True,
    )


def turbine_spec(wind: Wind) -> TurbineSpec:
    """Return a wind turbine."""
    return TurbineSpec(
        rating=wind_rating(wind.rated_kw * 1e3, wind.hub_height_m),
        wind=DrawnWind(mean_m_per_s=wind.mean_m_per_s, seed=wind.seed),
    )


def generator_spec(generator: Generator) -> GeneratorSpec:
    """Return a generator set."""
    return GeneratorSpec(
        rated_w=generator.rated_kw * 1e3,
        least_w=generator.least_ratio * generator.rated_kw * 1e3,
        min_run_duration=timedelta(minutes=generator.min_run_minutes),
        fuel_l=generator.fuel_l,
    )


def microgrid_spec(microgrid: Microgrid, measured: TimeRange, zone: ZoneInfo) -> MicrogridSpec:
    """Return how a site does without the grid, with each outage in the time that was measured."""
    hours = microgrid.readiness_hours
    return MicrogridSpec(
        critical_ratio=microgrid.critical_ratio,
        readiness=None if hours is None else timedelta(hours=hours),
        shed=microgrid.shed,
        outages=tuple(span for each in microgrid.outages for span in _weekly(each, measured, zone)),
    )


def _weekly(outage: Outage, measured: TimeRange, zone: ZoneInfo) -> list[TimeRange]:
    day, found = measured.start.astimezone(zone).date(), []
    while (start := to_utc(datetime.combine(day, time(outage.hour), zone))) < measured.end:
        if day.weekday() == outage.weekday:
            found.append(TimeRange.of(start, timedelta(hours=outage.hours)))
        day += timedelta(days=1)
    return found
