from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from tests.fakes.forecast_assets import START, load_hours, pv_hours, simple_sun
from tests.fakes.forecast_ports import (
    AsGiven,
    FakeModels,
    FixedHistory,
    GivenHolidays,
    GivenLabels,
    OutcomeCount,
    SimpleSky,
    StoredForecasts,
)
from tests.fakes.forecast_sites import FONTANA, asset, site, view_of
from tests.fakes.manual_clock import ManualClock
from wattmesh_forecast.app.each_history import EachHistory
from wattmesh_forecast.app.followed_sites import FollowedSites
from wattmesh_forecast.app.issue import IssueForecasts
from wattmesh_forecast.app.past import KnownWeather, Past
from wattmesh_forecast.app.ports import Modules, Sky
from wattmesh_forecast.domain.doubt import Refusal
from wattmesh_forecast.domain.forecast import Forecast
from wattmesh_forecast.domain.hours import HOUR, Sun
from wattmesh_forecast.domain.outcome import Issued, NotForecast, Outcome
from wattmesh_forecast.domain.subjects import Location
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.errors import InvalidArgument, Unavailable
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import Asset, PvRating, SiteModelChange
from wattmesh_kernel.time import TimeRange
from wattmesh_sitemodel.view import SiteModelView

LOADS = [AssetId(SiteId(f"home-{n}"), "load") for n in (1, 2)]
PVS = [AssetId(SiteId(f"home-{n}"), "pv") for n in (1, 2)]
BATTERY, WIND, SHED = (AssetId(SiteId("home-1"), name) for name in ("battery", "wind", "shed"))
NOW = START + timedelta(days=35)
T = NOW + HOUR


class World:
    """Two homes, five weeks after their meters began, half an hour before an interval."""

    def __init__(
        self,
        *,
        location: Location | None = FONTANA,
        sky: Sky | None = None,
        weather: tuple[KnownWeather, Modules] | None = None,
    ) -> None:
        power = {a: Series(START, HOUR, load_hours(seed=n).power_w) for n, a in enumerate(LOADS)}
        power |= {a: Series(START, HOUR, -pv_hours(seed=n).power_w) for n, a in enumerate(PVS)}
        self.history = FixedHistory(power)
        self.models = FakeModels()
        self.store = StoredForecasts()
        self.counted = OutcomeCount()
        self.clock = ManualClock(NOW + timedelta(minutes=30))
        self.view = view_of([*LOADS, *PVS, BATTERY, WIND], location)
        self.outcomes = IssueForecasts(
            sites=FollowedSites(self.view),
            past=Past(EachHistory(self.history), sky or SimpleSky(), GivenHolidays(), weather),
            models=self.models,
            stretches=AsGiven(),
            labels=GivenLabels(),
            store=self.store,
            clock=self.clock,
            observations=self.counted,
        )

    async def issue(self, wanted: Wanted) -> list[Forecast]:
        """Issue forecasts, all of which must come."""
        outcomes = await self.outcomes(wanted)
        assert all(isinstance(each, Issued) for each in outcomes), outcomes
        return [each.forecast for each in outcomes if isinstance(each, Issued)]

    def measure(self, name: AssetId, hours: int, power_w: float) -> None:
        """Let an asset have been measured for its newest hours only."""
        values = np.full(35 * 24, np.nan)
        values[len(values) - hours :] = power_w
        self.history.power[name] = Series(START, HOUR, values)


def source(outcome: Outcome) -> str:
    return outcome.forecast.source if isinstance(outcome, Issued) else outcome.reason.value


def wanted(
    *assets: AssetId,
    start: datetime = T,
    hours: float = 24,
    resolution: timedelta = HOUR,
    ratios: tuple[float, ...] = (),
) -> Wanted:
    span = TimeRange.of(start, timedelta(hours=hours))
    return Wanted(assets=assets, span=span, resolution=resolution, ratios=ratios)


async def test_each_asset_gets_a_forecast_in_the_order_asked_with_one_call_per_model() -> None:
    world = World()

    forecasts = await world.issue(wanted(PVS[1], LOADS[0], PVS[0], LOADS[1]))

    assert [f.asset for f in forecasts] == [PVS[1], LOADS[0], PVS[0], LOADS[1]]
    assert [f.source for f in forecasts] == ["model:pv/3", "model:load/3"] * 2
    assert sorted(world.models.asked) == [("load", 48), ("pv", 48)]
    assert world.store.forecasts == forecasts
    assert len(world.counted.outcomes) == 4
    assert {f.issue_time for f in forecasts} == {world.clock.now()}
    assert all(f.range == TimeRange.of(T, timedelta(days=1)) for f in forecasts)
    assert all(f.name.startswith(f"{f.asset.name}/forecasts/") for f in forecasts)


async def test_a_load_is_positive_and_a_plant_negative_with_rising_quantiles() -> None:
    world = World()

    load, pv = await world.issue(wanted(LOADS[0], PVS[0], ratios=(0.9, 0.1, 0.5, 0.25)))

    assert load.ratios == pv.ratios == (0.1, 0.25, 0.5, 0.9)
    assert (load.power_w > 0).all()
    assert (pv.power_w <= 0).all()
    assert (pv.power_w < 0).any()
    assert (np.diff(load.power_w, axis=0) >= 0).all()
    assert (np.diff(pv.power_w, axis=0) >= 0).all()


async def test_a_plant_is_forecast_to_rest_at_night_whatever_the_model_says() -> None:
    world = World()

    (pv,) = await world.issue(wanted(PVS[0]))
    night = simple_sun(T, 24).clear_sky_w_m2 == 0

    assert (pv.power_w[:, night] == 0).all()


async def test_without_a_model_the_forecast_is_seasonal_and_says_so() -> None:
    world = World()
    world.models.away = True

    load, pv = await world.issue(wanted(LOADS[0], PVS[0]))

    assert (load.source, pv.source) == ("seasonal", "seasonal")
    assert load.power_w.shape == (3, 24)
    assert (np.diff(load.power_w, axis=0) >= 0).all()
    assert (pv.power_w <= 0).all()


async def test_quarter_hours_hold_the_hour_and_longer_intervals_are_its_mean() -> None:
    world = World()

    (hourly,) = await world.issue(wanted(LOADS[0], hours=4))
    (quarters,) = await world.issue(
        wanted(LOADS[0], start=NOW + timedelta(minutes=45), hours=2, resolution=HOUR / 4)
    )
    (pairs,) = await world.issue(wanted(LOADS[0], hours=4, resolution=2 * HOUR))

    assert quarters.power_w.shape == (3, 8)
    assert np.isclose(quarters.power_w[1, 1:5].mean(), hourly.power_w[1, 0])
    assert np.allclose(pairs.power_w[1, 0], hourly.power_w[1, :2].mean())


async def test_the_running_interval_may_still_be_asked_for() -> None:
    world = World()

    (forecast,) = await world.issue(wanted(LOADS[0], start=NOW, hours=2))

    assert forecast.start == NOW


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"start": NOW - HOUR}, "RANGE_IN_THE_PAST"),
        ({"hours": 24 * 8}, "RANGE_TOO_FAR"),
        ({"hours": 0}, "INVALID_RANGE"),
        ({"start": T + timedelta(minutes=1)}, "INVALID_RANGE"),
        ({"resolution": timedelta(minutes=50)}, "INVALID_RESOLUTION"),
        ({"resolution": timedelta(seconds=1)}, "INVALID_RESOLUTION"),
        ({"resolution": timedelta(0)}, "INVALID_RESOLUTION"),
        ({"ratios": (1.5,)}, "INVALID_QUANTILE"),
    ],
)
async def test_what_makes_no_sense_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await World().issue(wanted(LOADS[0], **change))
    assert caught.value.reason == reason


async def test_the_same_asset_twice_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        wanted(LOADS[0], LOADS[0])


async def test_what_cannot_be_forecast_has_its_reason_and_takes_nothing_from_the_others() -> None:
    world = World()

    outcomes = await world.outcomes(wanted(BATTERY, LOADS[0], SHED, PVS[0]))

    assert [each.asset for each in outcomes] == [BATTERY, LOADS[0], SHED, PVS[0]]
    assert [source(each) for each in outcomes] == [
        "kind_not_forecast",
        "model:load/3",
        "unknown_asset",
        "model:pv/3",
    ]
    assert [f.asset for f in world.store.forecasts] == [LOADS[0], PVS[0]]


async def test_a_reason_names_the_asset_and_says_what_it_is() -> None:
    (outcome,) = await World().outcomes(wanted(BATTERY))

    assert isinstance(outcome, NotForecast)
    assert "home-1/assets/battery" in outcome.message
    assert "is a battery" in outcome.message


async def test_a_plant_at_an_unknown_place_is_forecast_seasonally_beside_others_by_model() -> None:
    world = World()
    await world.view.take(
        SiteModelChange(revision=2, changed=(site(SiteId("home-2"), location=None),))
    )

    here, nowhere = await world.issue(wanted(*PVS))

    assert (here.source, nowhere.source) == ("model:pv/3", "seasonal")
    night = simple_sun(T, 24).clear_sky_w_m2 == 0
    assert (nowhere.power_w[1, night] == 0).all()
    assert (nowhere.power_w[1, ~night] < 0).any()


async def test_a_load_of_some_hours_is_assumed_to_go_on_beside_others_by_model() -> None:
    world = World()
    world.measure(LOADS[0], hours=5, power_w=700.0)

    new, known = await world.issue(wanted(*LOADS))

    assert (new.source, known.source) == ("assumed", "model:load/3")
    assert np.allclose(new.power_w, 700.0)


async def test_a_plant_of_some_sunny_hours_is_assumed_to_follow_the_clear_sky() -> None:
    world = World()
    world.clock.advance(-timedelta(hours=6))  # after noon: the sun is up
    power = np.full(35 * 24, np.nan)
    sunny = slice(34 * 24 + 12, 34 * 24 + 15)
    power[sunny] = -3.0 * simple_sun(START, 35 * 24).clear_sky_w_m2[sunny]
    world.history.power[PVS[0]] = Series(START, HOUR, power)

    (new,) = await world.issue(wanted(PVS[0], start=T - timedelta(hours=6)))

    assert new.source == "assumed"
    expected = -3.0 * simple_sun(new.start, 24).clear_sky_w_m2
    assert np.allclose(new.power_w, expected)


@pytest.mark.parametrize("name", [LOADS[0], PVS[0]])
async def test_without_any_reading_there_is_a_reason_beside_others_by_model(
    name: AssetId,
) -> None:
    world = World()
    world.measure(name, hours=0, power_w=0.0)

    outcome, other = await world.outcomes(wanted(name, LOADS[1]))

    assert source(outcome) == "no_history"
    assert source(other) == "model:load/3"


async def test_a_history_that_cannot_be_read_costs_the_asset_alone() -> None:
    world = World()
    del world.history.power[LOADS[0]]

    outcome, other = await world.outcomes(wanted(*LOADS))

    assert source(outcome) == "history_unavailable"
    assert source(other) == "model:load/3"


async def test_without_any_history_every_asset_says_so() -> None:
    world = World()
    world.history.away = True

    outcomes = await world.outcomes(wanted(*LOADS, *PVS))

    assert {source(each) for each in outcomes} == {"history_unavailable"}
    assert world.store.forecasts == []


class BrokenSky:
    """A sun that is too short at one of two places."""

    def suns(self, locations: Collection[Location], hours: TimeRange) -> Mapping[Location, Sun]:
        good = SimpleSky().suns(locations, hours)
        return {
            place: sun if place == FONTANA else simple_sun(hours.start, 3)
            for place, sun in good.items()
        }


@pytest.mark.parametrize("away", [False, True])
async def test_arithmetic_that_fails_for_one_asset_costs_that_one(away: bool) -> None:
    world = World(sky=BrokenSky())
    world.models.away = away
    elsewhere = Location(latitude_degrees=50, longitude_degrees=8)
    await world.view.take(SiteModelChange(revision=2, changed=(site(SiteId("home-2"), elsewhere),)))

    good, broken = await world.outcomes(wanted(*PVS))

    assert source(good) == ("seasonal" if away else "model:pv/3")
    assert source(broken) == "internal"


async def test_a_load_that_is_added_is_forecast_at_the_next_issue() -> None:
    world = World()
    new = AssetId(SiteId("home-1"), "load-2")
    world.history.power[new] = world.history.power[LOADS[0]]
    (before,) = await world.outcomes(wanted(new))

    await world.view.take(SiteModelChange(revision=2, changed=(asset(new),)))
    (after,) = await world.outcomes(wanted(new))

    assert (source(before), source(after)) == ("unknown_asset", "model:load/3")


async def test_coordinates_that_come_later_bring_the_model() -> None:
    world = World(location=None)
    (before,) = await world.outcomes(wanted(PVS[0]))

    await world.view.take(SiteModelChange(revision=2, changed=(site(PVS[0].site),)))
    (after,) = await world.outcomes(wanted(PVS[0]))

    assert (source(before), source(after)) == ("seasonal", "model:pv/3")


async def test_before_the_site_model_is_known_nothing_is_said_about_assets() -> None:
    world = World()
    empty = SiteModelView(world.clock)
    issue = IssueForecasts(
        sites=FollowedSites(empty),
        past=Past(EachHistory(world.history), SimpleSky(), GivenHolidays()),
        models=world.models,
        stretches=AsGiven(),
        labels=GivenLabels(),
        store=world.store,
        clock=world.clock,
        observations=world.counted,
    )

    with pytest.raises(Unavailable, match="SITE_MODEL_UNKNOWN"):
        await issue(wanted(LOADS[0]))


async def test_assets_together_are_told_what_each_alone_is_told() -> None:
    world = World()
    late = world.history.power[LOADS[1]].values.copy()
    late[35 * 24 - 5 :] = np.nan
    world.history.power[LOADS[1]] = Series(START, HOUR, late)
    for away in (True, False):
        world.models.away = away
        together = await world.issue(wanted(*LOADS, *PVS))
        alone = [(await world.issue(wanted(name)))[0] for name in (*LOADS, *PVS)]

        for one, other in zip(together, alone, strict=True):
            assert np.allclose(one.power_w, other.power_w, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("fault", ["spike", "outage"])
async def test_a_reading_that_cannot_be_hardly_moves_the_seasonal_forecast(fault: str) -> None:
    world = World()
    world.models.away = True
    (clean,) = await world.issue(wanted(LOADS[0]))
    power = world.history.power[LOADS[0]].values.copy()
    if fault == "spike":
        power[35 * 24 - 3] *= 100
    else:
        power[35 * 24 - 72 : 35 * 24] = 0.0
    world.history.power[LOADS[0]] = Series(START, HOUR, power)

    (spoilt,) = await world.issue(wanted(LOADS[0]))

    moved = np.abs(spoilt.median_w - clean.median_w).sum() / clean.median_w.sum()
    assert moved < (0.05 if fault == "spike" else 0.15)
    assert [each.fault for each in spoilt.findings] == [fault]


@pytest.mark.parametrize(
    ("quantiles", "why"),
    [
        ([0.5e6, 1e6, 2e6], Refusal.IMPLAUSIBLE),
        ([0.0, 0.0, 0.0], Refusal.IMPLAUSIBLE),
        ([2.0, 1.0, 0.5], Refusal.CROSSING),
        ([0.5, np.nan, 2.0], Refusal.MALFORMED),
    ],
)
async def test_nonsense_of_a_model_is_not_published_and_is_said(
    quantiles: list[float], why: Refusal
) -> None:
    world = World()
    world.models.quantiles = quantiles

    (load,) = await world.issue(wanted(LOADS[0]))

    assert (load.source, load.refusal) == ("seasonal", why)
    measured = load_hours().power_w
    assert load.median_w.max() < np.nanmax(measured)
    assert load.median_w.min() > 0


@pytest.mark.parametrize("away", [False, True])
async def test_a_plant_is_never_forecast_beyond_its_rating(away: bool) -> None:
    world = World()
    world.models.away = away
    (before,) = await world.issue(wanted(PVS[0]))
    rating_w = -0.8 * float(before.power_w.min())
    plant = Asset(id=PVS[0], rating=PvRating(peak_power_w=rating_w))
    await world.view.take(SiteModelChange(revision=2, changed=(plant,)))

    (pv,) = await world.issue(wanted(PVS[0]))

    assert pv.power_w.min() == pytest.approx(-rating_w)


async def test_bands_widen_with_the_age_of_the_newest_reading() -> None:
    world = World()
    (fresh,) = await world.issue(wanted(LOADS[0]))
    power = world.history.power[LOADS[0]].values.copy()
    power[15 * 24 :] = np.nan
    world.history.power[LOADS[0]] = Series(START, HOUR, power)

    (dead,) = await world.issue(wanted(LOADS[0]))

    widths = [(f.power_w[-1] - f.power_w[0]) / f.median_w for f in (fresh, dead)]
    assert (widths[1] > 1.1 * widths[0]).all()
    assert widths[1].mean() > 1.2 * widths[0].mean()
    assert dead.input_age == timedelta(days=20, minutes=30)


async def test_readings_that_come_late_are_missed_but_not_awaited() -> None:
    world = World()
    power = world.history.power[LOADS[0]].values.copy()
    power[35 * 24 - 5 :] = np.nan
    world.history.power[LOADS[0]] = Series(START, HOUR, power)

    (forecast,) = await world.issue(wanted(LOADS[0]))

    assert np.isfinite(forecast.power_w).all()
    assert forecast.last_measured == NOW - 5 * HOUR
