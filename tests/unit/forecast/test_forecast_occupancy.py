"""Occupants: what sensors tell, whom a load tells of, and who is expected."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.fakes.forecast_ports import FixedHistory, GivenHolidays, OutcomeCount, StoredForecasts
from tests.fakes.forecast_sites import site
from tests.fakes.manual_clock import ManualClock
from wattmesh.forecast.v1 import forecast_pb2
from wattmesh_forecast.api.convert import forecast_to_proto, is_about_occupancy
from wattmesh_forecast.app.each_history import EachHistory
from wattmesh_forecast.app.followed_sites import FollowedSites
from wattmesh_forecast.app.issue_occupancy import IssueOccupancy
from wattmesh_forecast.domain.hours import HOUR, Floats, LocalClock
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.occupancy.expected import (
    expected_shares,
    mean_share,
    share_quantiles,
)
from wattmesh_forecast.domain.occupancy.sensors import of_co2, of_count, of_load
from wattmesh_forecast.domain.outcome import Issued, NotForecast, Outcome
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, PointId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import (
    Asset,
    Device,
    DeviceFunction,
    LoadRating,
    MeterRole,
    MqttConnection,
    Resource,
    SiteModel,
    SiteModelChange,
)
from wattmesh_kernel.time import TimeRange
from wattmesh_sitemodel.view import SiteModelView

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
DAYS = 28
OFFICE = AssetId(SiteId("office"), "load")


def office(hours: int, start: datetime = MONDAY) -> Floats:
    """1 from 9 to 17 local time on working days, else 0."""
    clock = LocalClock.of(TimeRange.of(start, hours * HOUR), BERLIN)
    busy = (clock.hour >= 9) & (clock.hour < 17) & (clock.weekday < 5)
    return busy.astype(np.float64)


def expected(values: Floats, count: int, holidays: frozenset[date] = frozenset()) -> Floats:
    return mean_share(*expected_shares(values, MONDAY, HOUR, BERLIN, count, holidays))


def test_working_days_and_weekends_are_told_apart_and_holidays_are_sundays() -> None:
    whole = office((DAYS + 7) * 24)
    holiday = date(2026, 6, 30)

    said = expected(whole[: DAYS * 24], 7 * 24)
    off = expected(whole[: DAYS * 24], 7 * 24, frozenset({holiday}))

    assert np.abs(said - whole[DAYS * 24 :]).max() < 0.15
    second = slice(24, 48)  # Tuesday 30 June
    assert off[second].max() < 0.15
    assert said[second].max() > 0.85


def test_hours_follow_the_local_clock_through_its_change() -> None:
    start = datetime(2026, 10, 5, tzinfo=UTC)  # the clock goes back on 25 October
    whole = office(26 * 24, start)
    past = whole[: 22 * 24]

    said = mean_share(*expected_shares(past, start, HOUR, BERLIN, 24))

    assert np.abs(said - whole[22 * 24 : 23 * 24]).max() < 0.15


def test_a_day_that_began_otherwise_goes_on_otherwise_for_some_hours() -> None:
    random = np.random.default_rng(5)
    here = random.random(DAYS) < 0.5
    values = np.repeat(here.astype(np.float64), 24)
    values[-24 + 12 :] = np.nan
    until = values[: len(values) - 12]

    said = {}
    for now in (0.0, 1.0):
        until[-3:] = now
        said[now] = expected(until.copy(), 12)

    assert said[1.0][0] - said[0.0][0] > 0.6
    assert said[1.0][0] - said[0.0][0] > said[1.0][-1] - said[0.0][-1]


def test_quantiles_rise_and_what_nobody_knows_stays_unknown() -> None:
    values = np.random.default_rng(1).random(10 * 24)
    values[np.arange(len(values)) % 24 == 3] = np.nan
    found = expected_shares(values, MONDAY, HOUR, BERLIN, 24)
    said = share_quantiles(*found, (0.1, 0.5, 0.9))

    assert np.isnan(said[3]).all()
    assert np.isnan(mean_share(*found)[3])
    rest = np.delete(said, 3, axis=0)
    assert (np.diff(rest, axis=1) >= 0).all()
    assert ((rest >= 0) & (rest <= 1)).all()


def test_carbon_dioxide_tells_of_people_though_the_air_lags_behind() -> None:
    step, changes = 0.25, 0.9
    people = np.repeat([0, 0, 4, 4, 2, 0, 0, 0] * 6, 8).astype(np.float64)
    ppm = np.empty(len(people))
    level = 420.0
    for index, count in enumerate(people):
        steady = 420.0 + 180.0 * count / changes
        level = steady + (level - steady) * np.exp(-changes * step)
        ppm[index] = level

    told = of_co2(ppm, step)

    share = people / 4
    assert np.nanmean(np.abs(told - share)) < 0.12
    assert np.corrcoef(told[1:], share[1:])[0, 1] > np.corrcoef(ppm[1:], share[1:])[0, 1]


def test_counts_are_held_against_the_usual_most() -> None:
    count = np.array([0.0, 3.0, np.nan, 6.0] * 20)
    assert np.array_equal(of_count(count, 1.0)[:4], [0.0, 0.5, np.nan, 1.0], equal_nan=True)


def test_the_load_of_a_workplace_tells_who_is_there_and_that_of_a_home_nothing() -> None:
    hours = DAYS * 24
    clock = LocalClock.of(TimeRange.of(MONDAY, hours * HOUR), BERLIN)
    there = office(hours)
    random = np.random.default_rng(2)
    work = 2000.0 + 6000.0 * there + random.normal(0, 200, hours)
    evening = (clock.hour >= 17) & (clock.hour < 23)
    home = 300.0 + 500.0 * evening + random.normal(0, 30, hours)

    told = of_load(work, clock.hour, clock.day_type)

    assert ((told > 0.5) == (there > 0)).mean() > 0.99
    assert np.isnan(of_load(home, clock.hour, clock.day_type)).all()


class Points:
    """What a sensor showed."""

    def __init__(self, values: Floats) -> None:
        self._series = Series(MONDAY, HOUR, values)

    async def mean(self, point: PointId, span: TimeRange, resolution: timedelta) -> Series:
        return self._series.window(span)

    async def last(self, point: PointId, span: TimeRange, resolution: timedelta) -> Series:
        return await self.mean(point, span, resolution)


async def issued(
    *, sensor: str = "", values: Floats | None = None, power_w: Floats | None = None
) -> tuple[Outcome, StoredForecasts]:
    """Ask of the office's occupants on a Monday morning at half past seven local time."""
    now = MONDAY + timedelta(days=DAYS, hours=5, minutes=30)
    device = Device(
        id=DeviceId(OFFICE.site, "sensor"),
        profile="sensor",
        gateway=GatewayId("local"),
        connection=MqttConnection(address="office/sensor"),
        reporting_interval=HOUR,
        points=frozenset({sensor or "occupancy_ratio"}),
        functions=(DeviceFunction(asset=OFFICE, meter_role=MeterRole.MAIN),),
    )
    resources: list[Resource] = [
        site(OFFICE.site, zone="Europe/Berlin"),
        Asset(id=OFFICE, rating=LoadRating()),
    ]
    changed = (*resources, *([device] if sensor else []))
    model = SiteModel().apply(SiteModelChange(revision=1, changed=changed))
    count = (DAYS + 1) * 24
    none = np.full(count, np.nan)
    store = StoredForecasts()
    issue = IssueOccupancy(
        sites=FollowedSites(SiteModelView(ManualClock(), model)),
        points=Points(none if values is None else values),
        history=EachHistory(
            FixedHistory({OFFICE: Series(MONDAY, HOUR, none if power_w is None else power_w)})
        ),
        calendar=GivenHolidays(),
        store=store,
        clock=ManualClock(now),
        observations=OutcomeCount(),
    )
    span = TimeRange.of(now.replace(minute=0) + HOUR, 24 * HOUR)
    (outcome,) = await issue(Wanted(assets=(OFFICE,), span=span, resolution=HOUR / 2, ratios=()))
    return outcome, store


async def test_occupants_are_forecast_by_their_sensor_stored_and_told_as_shares() -> None:
    outcome, store = await issued(sensor="occupant_count", values=30 * office((DAYS + 1) * 24))

    assert isinstance(outcome, Issued)
    forecast = outcome.forecast
    assert (forecast.kind, forecast.source) == (Kind.OCCUPANCY, "sensor")
    assert store.forecasts == [forecast]
    middle = forecast.median_w
    assert ((middle >= 0) & (middle <= 1)).all()
    # From eight local time on, by the half hour: nobody until nine, then all until 17.
    assert middle[3:16].min() > 0.9
    assert middle[24:].max() < 0.1
    proto = forecast_to_proto(forecast)
    assert proto.kind == forecast_pb2.FORECAST_KIND_OCCUPANCY


async def test_without_a_sensor_the_load_of_a_workplace_tells() -> None:
    power_w = 1000.0 + 4000.0 * office((DAYS + 1) * 24)
    outcome, _ = await issued(power_w=power_w)

    assert isinstance(outcome, Issued)
    assert outcome.forecast.source == "load"
    assert outcome.forecast.median_w[3:16].min() > 0.9


async def test_who_tells_nothing_of_people_has_no_forecast_of_them() -> None:
    outcome, store = await issued(power_w=np.full((DAYS + 1) * 24, 500.0))

    assert isinstance(outcome, NotForecast)
    assert "does not tell who is there" in outcome.message
    assert store.forecasts == []


def test_only_occupants_are_asked_for_by_kind() -> None:
    def asked(kind: forecast_pb2.ForecastKind.ValueType) -> bool:
        return is_about_occupancy(forecast_pb2.IssueForecastsRequest(kind=kind))

    assert asked(forecast_pb2.FORECAST_KIND_OCCUPANCY)
    assert not asked(forecast_pb2.FORECAST_KIND_UNSPECIFIED)
    with pytest.raises(InvalidArgument):
        asked(forecast_pb2.FORECAST_KIND_WIND)
