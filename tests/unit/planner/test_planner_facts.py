"""What is asked how often, and what is kept."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.fakes.eventually import eventually
from tests.fakes.manual_clock import ManualClock
from tests.fakes.planner_home import (
    DYNAMIC,
    HOME,
    HOUR,
    START,
    STREET,
    TARIFF,
    asset_id,
    group,
    home,
)
from tests.fakes.planner_world import LEAD, PlannerWorld
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import PublishedPrices, Site, SiteModelChange, TariffAssignment
from wattmesh_kernel.tariff import DemandCharge, bill
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.billing import closed_until
from wattmesh_planner.domain.degradations import Remedy
from wattmesh_planner.domain.facts import Known, Reason, Topic
from wattmesh_planner.domain.timing import WAVE, Rhythm

PEAKY = replace(TARIFF, demand_charges=(DemandCharge(id="peak", name="Peak", price_per_kw=5.0),))
MONTH = START.replace(day=1, hour=0) - timedelta(hours=2)
"""The first of May in Berlin."""
GRID = asset_id("grid")


async def test_of_a_billing_period_only_what_is_new_is_asked_and_carried_on() -> None:
    world = PlannerWorld()
    await world.knows(*home(), PEAKY)
    spans = []
    for _ in range(3):
        start = world.clock.now() + LEAD
        fact = await world.topics.billing(world.scope().sites[0], TimeRange.of(start, 24 * HOUR))
        spans = [span for _, span in world.energies.asked]
        world.clock.advance(HOUR)

    whole = TimeRange(MONTH, START + HOUR)
    energy = (await world.energies.energy([GRID], whole, HOUR))[GRID]
    assert spans == [
        TimeRange(MONTH, START - HOUR),
        TimeRange(START - HOUR, START),
        TimeRange(START, START + HOUR),
    ]
    assert isinstance(fact, Known)
    assert (
        fact.value
        == bill(PEAKY, energy.import_wh, energy.export_wh, world.scope().sites[0].site.zone).state
    )


async def test_readings_that_are_late_are_waited_for_before_an_hour_is_billed() -> None:
    world = PlannerWorld()
    await world.knows(*home(), PEAKY)
    world.energies.gaps = {START - 2 * HOUR}
    site, target = world.scope().sites[0], TimeRange.of(START, 24 * HOUR)

    await world.topics.billing(site, target)
    world.energies.gaps = set()
    fact = await world.topics.billing(site, target)

    assert world.energies.asked[-1][1] == TimeRange(START - 2 * HOUR, START - HOUR)
    assert isinstance(fact, Known)


def test_readings_that_never_come_are_given_up_after_a_day() -> None:
    values = np.array([1.0] * 10 + [np.nan] * 30)

    assert closed_until(Series(START, HOUR, values)) == START + 16 * HOUR
    assert closed_until(Series(START, HOUR, values[:20])) == START + 10 * HOUR


async def test_the_month_s_shared_peak_is_carried_on_and_known_to_the_optimizer() -> None:
    world = PlannerWorld()
    other = SiteId("home-2")
    await world.knows(*home(), *home(other), group(HOME, other, peak_price_per_kw=1.0))

    await world.plan(STREET)
    await world.plan(STREET)

    assert world.asked.peak_so_far_w == 600.0
    month = TimeRange(MONTH, START - HOUR)
    assert [span for _, span in world.energies.asked].count(month) == 1


async def test_a_plan_is_by_the_tariff_in_force_at_each_interval() -> None:
    """From tomorrow on the home pays what is published: noon of today is by the hour's tariff."""
    world = PlannerWorld()
    site, *others = home()
    assert isinstance(site, Site)
    changes = START.replace(hour=22)  # midnight in Berlin
    moved = TariffAssignment(tariff=DYNAMIC.id, start=changes)
    await world.knows(replace(site, tariff_assignments=(moved,)), *others)
    world.tariffs.prices = Series(START - 24 * HOUR, HOUR, np.full(72, 0.11))

    facts = [
        await world.topics.tariff(world.scope().sites[0], TimeRange.of(START, 24 * HOUR))
        for _ in range(2)
    ]
    await world.plan(HOME)

    assert isinstance(facts[0], Known)
    assert facts[0].value is not None
    assert facts[0].value.import_prices_per_kwh == pytest.approx([0.3] * 10 + [0.11] * 14)
    assert facts[1] is facts[0]
    price = world.asked.sites[0].price
    assert price is not None
    assert [each.start for each in price.tariff.versions] == [changes]


async def test_prices_are_read_once_until_news_of_a_publication_come() -> None:
    world = PlannerWorld()
    await world.knows(*home(tariff=DYNAMIC.id), *home(SiteId("home-2"), tariff=DYNAMIC.id))
    world.tariffs.prices = Series(START - 24 * HOUR, HOUR, np.full(30, 0.2))

    async with world.planning():
        for site in (HOME, SiteId("home-2"), HOME):
            await world.plan(site)
        read = len(world.tariffs.asked)
        world.tariffs.prices = Series(START - 24 * HOUR, HOUR, np.full(72, 0.4))
        await world.view.take(
            SiteModelChange(
                revision=9,
                published=(
                    PublishedPrices(tariff=DYNAMIC.id, span=TimeRange.of(START, 24 * HOUR)),
                ),
            )
        )

        async def cheapest() -> bool:
            plan = await world.plan()
            price = world.asked.sites[0].price
            assert price is not None
            return price.lowest_import_price_per_kwh == 0.4 and plan.degradations == ()

        await eventually(cheapest)

    assert read == 1
    assert len(world.tariffs.asked) == 2


async def test_a_price_that_never_was_at_that_time_of_day_is_the_mean_of_those_known() -> None:
    world = PlannerWorld()
    await world.knows(*home(tariff=DYNAMIC.id))
    world.tariffs.prices = Series(START, HOUR, np.array([0.1, 0.3]))

    (degradation,) = (await world.plan()).degradations

    price = world.asked.sites[0].price
    assert price is not None
    real_time = price.tariff.import_rates.real_time
    assert real_time is not None
    assert real_time.published is not None
    assert real_time.published.values[:3].tolist() == [0.1, 0.3, 0.2]
    assert len(real_time.published) == 24
    assert (degradation.reason, degradation.remedy) == (Reason.NOT_PUBLISHED, Remedy.ASSUMED)


async def test_a_tariff_that_is_not_in_the_site_model_leaves_the_battery_alone() -> None:
    world = PlannerWorld()
    await world.knows(*home())
    await world.view.take(SiteModelChange(revision=9, deleted=frozenset({TARIFF.id.name})))

    fact = await world.topics.tariff(world.scope().sites[0], TimeRange.of(START, 24 * HOUR))

    assert not isinstance(fact, Known)
    assert fact.why.topic is Topic.TARIFF
    assert fact.why.reason is Reason.INCOMPLETE_SITE_MODEL


@pytest.mark.parametrize(
    ("now", "within"),
    [(START - LEAD, 30.0), (START - timedelta(seconds=20), 10.0), (START, 1.0)],
)
async def test_forecast_gets_half_of_the_lead_that_is_left(now: object, within: float) -> None:
    world = PlannerWorld(clock=ManualClock(now))  # type: ignore[arg-type]
    await world.knows(*home())

    await world.plan()

    assert world.forecaster.within_seconds == [within]


def test_many_scopes_are_planned_in_waves_within_half_of_the_lead() -> None:
    rhythm = Rhythm(resolution=HOUR, horizon=24 * HOUR, lead=timedelta(minutes=5))
    names = [f"sites/home-{number}" for number in range(1000)]

    few = {rhythm.issue_time(name, START, WAVE) for name in names[:WAVE]}
    many = [rhythm.issue_time(name, START, len(names)) for name in names]

    assert few == {START - LEAD}
    assert len(set(many)) == 1000 // WAVE
    assert min(many) == START - LEAD
    assert max(many) < START - LEAD / 2
    assert max(map(many.count, set(many))) < 2 * WAVE
