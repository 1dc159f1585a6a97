from collections.abc import Iterable
from datetime import timedelta

import numpy as np

from tests.fakes.forecast_assets import START
from tests.fakes.forecast_ports import FixedHistory
from wattmesh_forecast.app.kept_history import KeptHistory
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

ONE, OTHER = (AssetId(SiteId("home-1"), name) for name in ("load", "pv"))
DAYS = timedelta(days=1)


def histories(missing: Iterable[int] = ()) -> tuple[FixedHistory, KeptHistory]:
    values = np.arange(1000.0)
    values[list(missing)] = np.nan
    given = FixedHistory({a: Series(START, HOUR, values) for a in (ONE, OTHER)})
    return given, KeptHistory(given)


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

    assert found[ONE].values[0] == 0


async def test_a_gap_is_asked_for_until_it_is_filled() -> None:
    given, kept = histories(missing=[50])
    await kept.power_w([ONE], span(0, 20), HOUR)
    given.power[ONE] = Series(START, HOUR, np.arange(1000.0))  # the gateway has caught up

    found = await kept.power_w([ONE], span(0, 20), HOUR)

    assert found[ONE].values[50] == 50
    assert given.queries[1].start == START + 50 * HOUR
    await kept.power_w([ONE], span(0, 20), HOUR)
    assert given.queries[2] == span(18, 20)


async def test_corrections_of_the_newest_days_arrive() -> None:
    given, kept = histories()
    await kept.power_w([ONE], span(0, 20), HOUR)
    given.power[ONE] = given.power[ONE].with_values(given.power[ONE].values + 1)

    found = await kept.power_w([ONE], span(0, 20), HOUR)

    assert found[ONE].values[-1] == 480
    assert found[ONE].values[0] == 0


async def test_a_new_asset_is_read_whole_beside_one_that_is_kept() -> None:
    given, kept = histories()
    await kept.power_w([ONE], span(0, 20), HOUR)

    found = await kept.power_w([ONE, OTHER], span(0, 20), HOUR)

    assert sorted(given.queries[1:]) == [span(0, 20), span(18, 20)]
    assert found[OTHER] == found[ONE]
