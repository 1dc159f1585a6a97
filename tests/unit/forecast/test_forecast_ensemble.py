"""Members of an ensemble have the forecast's quantiles, and go together as errors did."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.forecast_assets import START, load_hours, pv_hours
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
from tests.fakes.forecast_sites import FONTANA, view_of
from tests.fakes.manual_clock import ManualClock
from wattmesh_forecast.app.each_history import EachHistory
from wattmesh_forecast.app.followed_sites import FollowedSites
from wattmesh_forecast.app.issue import IssueForecasts
from wattmesh_forecast.app.issue_ensemble import IssueEnsemble, MemberOutcome, Members
from wattmesh_forecast.app.past import Past
from wattmesh_forecast.domain.ensemble import Draw, drawn, members_w
from wattmesh_forecast.domain.hours import HOUR, Floats
from wattmesh_forecast.domain.kinds import MODELLED, Kind
from wattmesh_forecast.domain.outcome import NotForecast, Reason
from wattmesh_forecast.domain.recent_errors import SCORED_HOURS, recent_scores
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

RATIOS = (0.1, 0.5, 0.9)
NOW = START + timedelta(days=35, minutes=30)
LOADS = [AssetId(SiteId(f"home-{n}"), "load") for n in (1, 2, 3)]
PV = AssetId(SiteId("home-1"), "pv")


def moods(seed: int, carry: float = 0.9) -> Floats:
    """Scores that change slowly, over two weeks."""
    random, found = np.random.default_rng(seed), np.zeros(SCORED_HOURS)
    for hour in range(1, SCORED_HOURS):
        found[hour] = carry * found[hour - 1] + random.normal() * np.sqrt(1 - carry**2)
    return found


def correlation(one: Floats, other: Floats) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def test_members_go_together_as_the_errors_did_over_hours_and_assets() -> None:
    town = moods(1)
    scores = np.stack([town, 0.9 * town + 0.436 * moods(2), -town, moods(3)])

    found = drawn(scores, Draw(members=400, seed=5), first=0, count=24, per_hour=1)

    assert found.std(axis=(1, 2)) == pytest.approx([1.0] * 4, abs=0.08)
    assert correlation(found[0, :, :-1], found[0, :, 1:]) == pytest.approx(
        correlation(town[:-1], town[1:]), abs=0.07
    )
    assert correlation(found[0], found[1]) == pytest.approx(0.8 * 0.9, abs=0.12)
    assert correlation(found[0], found[2]) == pytest.approx(-0.8, abs=0.1)
    assert abs(correlation(found[0], found[3])) < 0.3


@pytest.mark.parametrize("per_hour", [4, 1, 0.5, 1 / 24])
def test_intervals_of_any_length_have_the_spread_of_the_quantiles(per_hour: float) -> None:
    found = drawn(moods(1)[None], Draw(members=500, seed=2), first=1, count=7, per_hour=per_hour)

    assert found.std(axis=1) == pytest.approx(np.ones((1, 7)), abs=0.12)


def test_of_whom_nothing_is_known_the_hours_still_go_together_and_neighbours_do_not() -> None:
    scores = np.full((2, SCORED_HOURS), np.nan)

    found = drawn(scores, Draw(members=300, seed=5), first=0, count=24, per_hour=1)

    assert correlation(found[0, :, :-1], found[0, :, 1:]) > 0.5
    assert abs(correlation(found[0], found[1])) < 0.15


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(-(2**40), 2**40), kind=st.sampled_from(MODELLED))
def test_members_stay_within_what_an_asset_can_do_and_repeat_with_their_seed(
    seed: int, kind: Kind
) -> None:
    low = np.linspace(0, 800, 24)
    power = kind.sign * np.stack([low, low + 300, low + 2000])[:: int(kind.sign)]
    scores = moods(4)[None]

    pair = [
        members_w(
            kind, power, RATIOS, drawn(scores, Draw(members=50, seed=seed), 0, 24, 1)[0], 2500
        )
        for _ in range(2)
    ]

    assert np.array_equal(pair[0], pair[1])
    assert (kind.sign * pair[0] >= 0).all()
    assert (np.abs(pair[0]) <= 2500).all()


def test_the_quantiles_of_many_members_are_those_of_the_forecast() -> None:
    power = np.array([[500.0], [1000.0], [2000.0]])
    normals = np.random.default_rng(1).normal(size=(20_000, 1))

    found = members_w(Kind.LOAD, power, RATIOS, normals, None)

    assert np.quantile(found, RATIOS) == pytest.approx([500, 1000, 2000], rel=0.03)


def test_errors_are_told_of_both_kinds_and_nights_of_plants_are_none() -> None:
    end = 35 * 24
    load = recent_scores(Kind.LOAD, [load_hours(), load_hours(seed=1)], end)
    plant = pv_hours()
    found = recent_scores(Kind.PV, [plant], end)

    assert np.isfinite(load).all()
    assert load.std(axis=1) == pytest.approx([1.0, 1.0], abs=0.02)
    assert plant.sun is not None
    day = plant.sun.clear_sky_w_m2[end - SCORED_HOURS : end] > 0
    assert (np.isfinite(found[0]) == day).all()


def test_a_plant_that_gives_more_than_was_said_takes_less_power_than_was_said() -> None:
    plant = pv_hours(ahead=0)
    bright = replace(plant, power_w=plant.power_w.copy())
    bright.power_w[-24:] *= 3.0

    found = recent_scores(Kind.PV, [bright], 35 * 24)[0]

    assert np.nanmedian(found[-24:]) < -1.0


def test_of_less_than_three_days_no_error_is_told() -> None:
    asset = load_hours()
    short = replace(
        asset, power_w=np.where(np.arange(len(asset.power_w)) < 790, np.nan, asset.power_w)
    )

    assert np.isnan(recent_scores(Kind.LOAD, [short], 35 * 24)).all()


@pytest.mark.parametrize("members", [-1, 501])
def test_so_many_members_are_refused(members: int) -> None:
    with pytest.raises(InvalidArgument):
        Draw(members=members)


def use_case() -> IssueEnsemble:
    """Three homes with loads, one of them without a meter, and a plant."""
    power = {a: Series(START, HOUR, load_hours(seed=n).power_w) for n, a in enumerate(LOADS[:2])}
    power[PV] = Series(START, HOUR, -pv_hours().power_w)
    power[LOADS[2]] = Series(START, HOUR, np.full(840, np.nan))
    clock, sites = ManualClock(NOW), FollowedSites(view_of([*LOADS, PV], FONTANA))
    past = Past(EachHistory(FixedHistory(power)), SimpleSky(), GivenHolidays())
    issue = IssueForecasts(
        sites=sites,
        past=past,
        models=FakeModels(),
        stretches=AsGiven(),
        labels=GivenLabels(),
        store=StoredForecasts(),
        clock=clock,
        observations=OutcomeCount(),
    )
    return IssueEnsemble(issue=issue, sites=sites, past=past, clock=clock)


async def ask(use: IssueEnsemble, *assets: AssetId, members: int = 30) -> list[MemberOutcome]:
    start = NOW.replace(minute=45)
    wanted = Wanted(
        assets=assets,
        span=TimeRange.of(start, timedelta(hours=6)),
        resolution=timedelta(minutes=15),
        ratios=(),
    )
    return await use(wanted, Draw(members=members, seed=7))


async def test_each_asset_has_its_members_or_its_reason_and_the_same_seed_draws_the_same() -> None:
    use = use_case()

    first = await ask(use, PV, LOADS[2], LOADS[0])
    again = await ask(use, PV, LOADS[2], LOADS[0])

    plant, none, load = first
    assert isinstance(none, NotForecast)
    assert none.reason is Reason.NO_HISTORY
    assert isinstance(plant, Members)
    assert isinstance(load, Members)
    assert plant.power_w.shape == load.power_w.shape == (30, 24)
    assert (plant.power_w <= 0).all()
    assert load.power_w.std(axis=0).min() > 0
    assert isinstance(again[2], Members)
    assert np.allclose(load.power_w, again[2].power_w)


async def test_more_than_an_answer_holds_is_refused_before_anything_is_issued() -> None:
    wanted = Wanted(
        assets=tuple(AssetId(SiteId(f"home-{n}"), "load") for n in range(900)),
        span=TimeRange.of(NOW.replace(minute=45), timedelta(hours=6)),
        resolution=timedelta(minutes=15),
        ratios=(),
    )
    with pytest.raises(InvalidArgument, match="400000"):
        await use_case()(wanted, Draw(members=20))
