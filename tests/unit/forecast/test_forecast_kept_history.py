from collections.abc import Iterable
from datetime import timedelta

import numpy as np

from tests.fakes.forecast_assets import START
from tests.fakes.forecast_ports import FixedHistory
from wattmesh_forecast.app.each_history import EachHistory
from wattmesh_forecast.app.kept_history import KeptHistory
from wattmesh_forecast.domain.hours import HOUR, Floats
from wattmesh_forecast.domain.outcome import NotForecast
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

ONE, OTHER = (AssetId(SiteId("home-1"), name) for name in ("load", "pv"))
DAYS = timedelta(days=1)


def histories(missing: Iterable[int] = ()) -> tuple[FixedHistory, KeptHistory]:
    values = np.arange(1000.0)
    values[list(missing)] = np.nan
    given = FixedHistory({a: Series(START, HOUR, values) for a in (ONE, OTHER)})
    return given, KeptHistory(EachHistory(given))


def values(found: Series | NotForecast) -> Floats:
    assert isinstance(found, Series)
    return found.values


def span(first_day: int, end_day: int) -> TimeRange:
    return TimeRange(START + first_day * DAYS, START + end_day * DAYS)


async def test_an_hour_later_only_the_newest_days_are_asked_for() -> None:
    given, kept = histories()
    hour_later = TimeRange(START + HOUR, START + 20 * DAYS + HOUR)
    first = await kept.power_w([ONE], span(0, 20), HOUR)
    later = await kept.power_w([ONE], hour_later, HOUR)

    assert given.queries[1] == TimeRange(hour_later.end - 2 * DAYS, hour_later.end)
    assert first[ONE] == given.power[ONE].window(span(0, 20))
    assert later[ONE] == given.power[ONE].window(hour_later)


async def test_what_was_never_measured_is_asked_for_once_a_day() -> None:
    given, kept = histories(missing=range(100))
    for hours in range(26):
        now = START + 20 * DAYS + hours * HOUR
        await kept.power_w([ONE], TimeRange(now - 20 * DAYS, now), HOUR)

    whole = [query for query in given.queries if query.duration == 20 * DAYS]
    assert len(whole) == 2


async def test_an_asset_of_which_nothing_is_known_is_asked_for_whole() -> None:
    given, kept = histories(missing=range(480))
    await kept.power_w([ONE], span(0, 20), HOUR)
    given.power[ONE] = Series(START, HOUR, np.arange(1000.0))  # its past was imported

    found = await kept.power_w([ONE], span(0, 20), HOUR)

    assert values(found[ONE])[0] == 0


async def test_an_old_gap_is_asked_for_every_few_hours_until_it_is_filled() -> None:
    given, kept = histories(missing=[50])
    await kept.power_w([ONE], span(0, 20), HOUR)
    given.power[ONE] = Series(START, HOUR, np.arange(1000.0))  # the gateway has caught up

    for hours in range(1, 13):
        found = await kept.power_w([ONE], TimeRange(START, span(0, 20).end + hours * HOUR), HOUR)

    assert values(found[ONE])[50] == 50
    starts = [query.start for query in given.queries[1:]]
    assert [n for n, start in enumerate(starts, 1) if start == START + 50 * HOUR] == [6]


async def test_a_gap_in_the_newest_days_is_asked_for_at_every_issue() -> None:
    given, kept = histories(missing=[479])
    await kept.power_w([ONE], span(0, 20), HOUR)
    given.power[ONE] = Series(START, HOUR, np.arange(1000.0))  # the reading was late

    found = await kept.power_w([ONE], span(0, 20), HOUR)

    assert values(found[ONE])[-1] == 479


async def test_within_an_hour_that_is_complete_nothing_is_asked() -> None:
    given, kept = histories()
    for _ in range(4):
        await kept.power_w([ONE], span(0, 20), HOUR)

    assert len(given.queries) == 1


async def test_corrections_of_the_newest_days_arrive_with_the_next_hour() -> None:
    given, kept = histories()
    await kept.power_w([ONE], span(0, 20), HOUR)
    given.power[ONE] = given.power[ONE].with_values(given.power[ONE].values + 1)

    found = await kept.power_w([ONE], TimeRange(START, span(0, 20).end + HOUR), HOUR)

    assert values(found[ONE])[-2] == 480
    assert values(found[ONE])[0] == 0


async def test_a_new_asset_is_read_whole_beside_one_that_is_kept() -> None:
    given, kept = histories()
    await kept.power_w([ONE], span(0, 20), HOUR)
    later = TimeRange(START, span(0, 20).end + HOUR)

    found = await kept.power_w([ONE, OTHER], later, HOUR)

    assert sorted(given.queries[1:]) == [later, TimeRange(later.end - 2 * DAYS, later.end)]
    assert found[OTHER] == found[ONE]


async def test_what_cannot_be_read_is_said_and_asked_for_again() -> None:
    given, kept = histories()
    await kept.power_w([ONE], span(0, 20), HOUR)
    given.away = True

    away = await kept.power_w([ONE], TimeRange(START, span(0, 20).end + HOUR), HOUR)
    given.away = False
    back = await kept.power_w([ONE], TimeRange(START, span(0, 20).end + HOUR), HOUR)

    assert isinstance(away[ONE], NotForecast)
    assert values(back[ONE])[-1] == 480
