"""Zones, tanks and work that can wait: planned with what is known, by a rule until then."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.fakes.planner_heat import (
    KNOWN_TANK,
    KNOWN_ZONE,
    TANK,
    UNKNOWN_ZONE,
    WASHER,
    ZONE,
    ZONE_RATING,
    heated_home,
    said_of,
    schedule_of,
    tell,
)
from tests.fakes.planner_home import HOUR, START
from wattmesh_kernel.comfort import Occupancy, ZoneMode, ZonePeriod, ZoneSchedule, ZoneWishes, bands
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import ComfortBand
from wattmesh_kernel.tariff import ClockRange, Day, Window
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.ports import SiteWishes
from wattmesh_planner.domain.runs import Run, RunState, on_resolution
from wattmesh_planner.domain.thermal import TankOutlook, ZoneOutlook

NIGHT = range(10, 16)
"""Intervals from 22:00 to 4:00 UTC: local midnight to 6:00 of the plan that begins at 12:00 UTC."""


async def test_a_zone_is_heated_while_energy_is_cheap_and_never_below_its_band() -> None:
    plan = await (await heated_home()).plan()
    schedule = schedule_of(plan, "zone")
    assert schedule is not None
    assert schedule.kind is SetpointKind.TEMPERATURE_CELSIUS
    values = [value or 0.0 for value in schedule.values]
    assert min(values) >= 20.0
    assert max(values) <= 23.0
    assert max(values[each] for each in NIGHT) > values[0] + 1.0, "heated ahead by night"
    assert said_of(plan, "zone") == []


async def test_a_tank_is_heated_by_night_for_the_morning() -> None:
    plan = await (await heated_home()).plan()
    schedule = schedule_of(plan, "tank")
    assert schedule is not None
    values = [value or 0.0 for value in schedule.values]
    assert all(45.0 < each <= 60.0 for each in values)
    assert max(values[each] for each in NIGHT) > max(values[:8]) + 3.0


@pytest.mark.parametrize("kind", [SetpointKind.ACTIVE_POWER_W, SetpointKind.ON_OFF])
async def test_a_device_is_told_what_it_takes(kind: SetpointKind) -> None:
    plan = await (await heated_home(kinds=(kind,))).plan()
    schedule = schedule_of(plan, "zone")
    assert schedule is not None
    assert schedule.kind is kind
    most = 1.0 if kind is SetpointKind.ON_OFF else 3000.0
    assert max(value or 0.0 for value in schedule.values) <= most


async def test_an_element_without_a_thermostat_keeps_water_warm_before_its_draws_are_known() -> (
    None
):
    """230 Wh/K, 6.5 K too cold, with a COP of 3: 0.5 kWh in the first hour, and what it loses."""
    world = await heated_home(kinds=(SetpointKind.ACTIVE_POWER_W,))
    world.outlooks.by_asset[TANK] = TankOutlook(reason="2 usable days, 5 are needed")
    tell(world, "tank", 46.0)
    schedule = schedule_of(await world.plan(), "tank")
    assert schedule is not None
    assert schedule.values[0] == pytest.approx(230 * 6.5 / 3 + 2 * 32.5 / 3, abs=1)
    tell(world, "tank", 58.0)
    schedule = schedule_of(await world.plan(), "tank")
    assert schedule is not None
    assert schedule.values[0] == 0.0


async def test_a_zone_that_is_not_identified_is_run_by_a_rule_that_says_why() -> None:
    world = await heated_home()
    world.outlooks.by_asset[ZONE] = UNKNOWN_ZONE
    plan = await world.plan()
    schedule = schedule_of(plan, "zone")
    assert schedule is not None
    assert set(schedule.values) == {20.2, 21.2}, "the edge of comfort that costs least"
    tried = [index for index, value in enumerate(schedule.values) if value == 21.2]
    assert tried == list(range(12, 16)), "but from two to six by night, to learn how it answers"
    assert said_of(plan, "zone") == [("forecast", "not_identified", "assumed")]
    assert schedule_of(plan, "battery") is not None
    assert schedule_of(plan, "tank") is not None


async def test_forecast_away_leaves_zones_to_the_rule_and_batteries_to_the_plan() -> None:
    world = await heated_home()
    world.outlooks.away = True
    plan = await world.plan()
    assert said_of(plan, "zone") == [("forecast", "service_unavailable", "assumed")]
    assert said_of(plan, "tank") == [("forecast", "service_unavailable", "assumed")]
    assert schedule_of(plan, "zone") is not None
    assert schedule_of(plan, "battery") is not None


async def test_a_device_silent_for_a_day_costs_that_asset_alone() -> None:
    world = await heated_home()
    tell(world, "zone", 21.0, age=timedelta(hours=25))
    plan = await world.plan()
    assert said_of(plan, "zone") == [("state", "stale", "left_out")]
    assert schedule_of(plan, "zone") is None
    assert said_of(plan, "tank") == []
    assert schedule_of(plan, "tank") is not None
    assert schedule_of(plan, "battery") is not None


async def test_an_unplugged_device_that_never_reported_costs_that_asset_alone() -> None:
    world = await heated_home()
    world.meter.default = None
    del world.meter.by_device[next(each for each in world.meter.by_device if "tank" in each.name)]
    plan = await world.plan()
    assert said_of(plan, "tank") == [("state", "never_reported", "left_out")]
    assert schedule_of(plan, "zone") is not None


async def test_a_thermometer_that_cannot_be_right_costs_that_asset_alone() -> None:
    world = await heated_home()
    tell(world, "zone", 85.0)
    plan = await world.plan()
    assert said_of(plan, "zone") == [("state", "not_available", "left_out")]
    assert schedule_of(plan, "tank") is not None


async def test_usage_away_leaves_the_bands_of_the_rating() -> None:
    world = await heated_home()
    world.wishes.away = True
    plan = await world.plan()
    assert said_of(plan, "zone") == [("wishes", "service_unavailable", "assumed")]
    assert said_of(plan, "washer") == [("wishes", "service_unavailable", "left_out")]
    assert schedule_of(plan, "zone") is not None


def starts(hours: int, first: datetime = datetime(2024, 5, 6, tzinfo=UTC)) -> list[datetime]:
    return [first + index * HOUR for index in range(hours)]


def edges(wishes: ZoneWishes, outlook: ZoneOutlook = KNOWN_ZONE) -> tuple[list[float], list[float]]:
    low, high = bands(ZONE_RATING, wishes, outlook.occupancy_ratios, starts(24), ZoneInfo("UTC"))
    return list(low), list(high)


def test_the_schedule_of_the_highest_priority_counts_and_what_it_leaves_open_the_rating() -> None:
    office = Window(days=frozenset({Day.MONDAY}), clock_ranges=(ClockRange.hours(8, 18),))
    warm = ComfortBand(min_temperature_celsius=21.5, max_temperature_celsius=23)
    work = ZoneSchedule(name="a", periods=(ZonePeriod(window=office, band=warm),))
    closed = ZoneSchedule(
        name="b",
        priority=10,
        periods=(
            ZonePeriod(window=Window(clock_ranges=(ClockRange.hours(12, 14),)), mode=ZoneMode.OFF),
        ),
    )
    low, high = edges(ZoneWishes(schedules=(work, closed)))
    assert low[9] == 21.5
    assert (low[12], high[12]) == (17.0, 25.0), "no further than the rating lets it"
    assert low[20] == 20.0, "as the rating says"


def test_a_holiday_that_somebody_knows_of_goes_before_what_is_expected() -> None:
    away = Occupancy(range=TimeRange.of(starts(1)[0] + 6 * HOUR, 6 * HOUR), ratio=0.0)
    low, _ = edges(
        ZoneWishes(occupancies=(away,)), replace(KNOWN_ZONE, occupancy_ratios=(1.0,) * 24)
    )
    assert low[5] == 20.0
    assert low[6] == 17.0
    assert low[12] == 20.0


def test_where_nobody_is_expected_the_other_band_holds() -> None:
    ratios = tuple(1.0 if 8 <= hour < 18 else 0.0 for hour in range(24))
    low, high = edges(ZoneWishes(), replace(KNOWN_ZONE, occupancy_ratios=ratios))
    assert (low[3], high[3]) == (17.0, 25.0)
    assert (low[9], high[9]) == (20.0, 23.0)


RUN = Run(name=f"{WASHER.name}/runs/cotton", latest_end=START + 20 * HOUR, energy_wh=4000.0)


async def planned(run: Run) -> tuple[list[float], list[str]]:
    world = await heated_home()
    world.wishes.wanted = SiteWishes(runs={WASHER: (run,)})
    plan = await world.plan()
    schedule = schedule_of(plan, "washer")
    assert schedule is not None
    assert schedule.kind is SetpointKind.ON_OFF
    return [value or 0.0 for value in schedule.values], [each.state for each in world.wishes.told]


async def test_a_run_is_planned_when_energy_is_cheap_and_promised() -> None:
    world = await heated_home()
    world.wishes.wanted = SiteWishes(runs={WASHER: (RUN,)})
    plan = await world.plan()
    schedule = schedule_of(plan, "washer")
    assert schedule is not None
    on = [index for index, value in enumerate(schedule.values) if value]
    assert len(on) == 2
    assert set(on) <= set(NIGHT)
    (news,) = world.wishes.told
    assert (news.run, news.state) == (RUN.name, "planned")
    assert news.planned == TimeRange.of(START + on[0] * HOUR, 2 * HOUR)


async def test_nothing_wanted_is_off() -> None:
    world = await heated_home()
    schedule = schedule_of(await world.plan(), "washer")
    assert schedule is not None
    assert set(schedule.values) == {0.0}


async def test_a_promised_end_holds_though_a_later_one_would_be_cheaper() -> None:
    promised = TimeRange.of(START + 2 * HOUR, 2 * HOUR)
    values, _ = await planned(replace(RUN, state=RunState.PLANNED, planned=promised))
    assert sum(values[:4]) == 2
    assert sum(values[4:]) == 0


async def test_a_profile_that_has_begun_runs_on_at_once() -> None:
    begun = replace(
        RUN,
        energy_wh=None,
        profile_w=(2000.0, 1000.0, 500.0),
        profile_resolution=HOUR,
        state=RunState.RUNNING,
        began=START - HOUR,
    )
    values, told = await planned(begun)
    assert values[:3] == [1.0, 1.0, 0.0]
    assert told == ["running"]


async def test_what_is_metered_says_that_a_run_is_done() -> None:
    """The fake meter shows 500 Wh an hour: 4 kWh after eight."""
    due = TimeRange.of(START - 9 * HOUR, 9 * HOUR)
    values, told = await planned(replace(RUN, state=RunState.PLANNED, planned=due))
    assert set(values) == {0.0}
    assert told == ["done"]


async def test_a_run_whose_meter_stands_still_is_interrupted_and_not_over_with_its_time() -> None:
    """Unplugged after its first hour: what is left of it stays wanted, until its window ends."""
    begun = replace(
        RUN,
        energy_wh=None,
        profile_w=(2000.0, 1000.0, 1000.0),
        profile_resolution=HOUR,
        state=RunState.RUNNING,
        began=START - 4 * HOUR,
    )
    world = await heated_home()
    world.energies.import_wh = 0.0
    world.wishes.wanted = SiteWishes(runs={WASHER: (begun,)})
    schedule = schedule_of(await world.plan(), "washer")
    assert schedule is not None
    assert schedule.values[:2] == (1.0, 1.0)
    assert [each.state for each in world.wishes.told] == ["paused"]


async def test_work_whose_device_is_silent_for_a_day_says_so() -> None:
    world = await heated_home()
    tell(world, "washer", 0.0, age=timedelta(hours=25))
    world.wishes.wanted = SiteWishes(runs={WASHER: (RUN,)})
    plan = await world.plan()
    assert said_of(plan, "washer") == [("state", "stale", "assumed")]
    assert said_of(plan, "zone") == []


async def test_a_run_that_nothing_meters_is_taken_to_begin_as_promised() -> None:
    world = await heated_home(washer_points=frozenset())
    due = replace(RUN, state=RunState.PLANNED, planned=TimeRange.of(START - 2 * HOUR, 2 * HOUR))
    world.wishes.wanted = SiteWishes(runs={WASHER: (due,)})
    plan = await world.plan()
    assert said_of(plan, "washer") == [("state", "never_reported", "assumed")]
    (news,) = world.wishes.told
    assert news.state in ("running", "done")
    assert news.used_wh is None


async def test_a_run_that_cannot_be_done_in_time_says_so() -> None:
    world = await heated_home()
    late = replace(RUN, latest_end=START + HOUR)
    world.wishes.wanted = SiteWishes(runs={WASHER: (late,)})
    plan = await world.plan()
    assert ("execution", "requirement_unmet", "ignored") in said_of(plan, "washer")
    assert schedule_of(plan, "zone") is not None


async def test_usage_that_cannot_be_told_of_a_run_spoils_no_plan() -> None:
    world = await heated_home()
    world.wishes.wanted = SiteWishes(runs={WASHER: (RUN,)})
    await world.plan()
    world.wishes.away = True
    plan = await world.plan()
    assert schedule_of(plan, "washer") is not None
    assert said_of(plan, "washer") == [("wishes", "service_unavailable", "assumed")]


def test_a_profile_keeps_its_energy_on_another_resolution() -> None:
    assert on_resolution((2000.0,), HOUR / 2, HOUR) == (1000.0,)
    assert on_resolution((2000.0, 1000.0), HOUR, HOUR / 2) == (2000.0, 2000.0, 1000.0, 1000.0)


async def test_a_home_without_any_asks_nobody() -> None:
    world = await heated_home()
    world.outlooks.asked.clear()
    await world.plan()
    assert set(world.outlooks.asked) == {ZONE, TANK}
    assert KNOWN_TANK.draws_w
