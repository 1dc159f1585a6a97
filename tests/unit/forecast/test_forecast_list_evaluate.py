from datetime import timedelta

import numpy as np
import pytest

from tests.fakes.forecast_assets import START
from tests.fakes.forecast_ports import FixedHistory, StoredForecasts
from tests.fakes.forecast_sites import sites_of
from tests.fakes.manual_clock import ManualClock
from wattmesh_forecast.app.evaluate import EvaluateForecasts
from wattmesh_forecast.app.list_forecasts import ListForecasts
from wattmesh_forecast.domain.forecast import Forecast
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

LOAD, PV = (AssetId(SiteId("home-1"), name) for name in ("load", "pv"))
NOW = START + timedelta(days=10)


def forecast(
    number: int,
    *,
    source: str = "model:load/1",
    resolution: timedelta = HOUR,
    power: float = 1100.0,
) -> Forecast:
    start = NOW + number * HOUR
    return Forecast(
        name=f"{LOAD.name}/forecasts/{number}",
        asset=LOAD,
        kind=Kind.LOAD,
        issue_time=start - HOUR / 2,
        source=source,
        start=start,
        resolution=resolution,
        ratios=(0.1, 0.5, 0.9),
        power_w=np.array([[power - 200] * 4, [power] * 4, [power + 200] * 4]),
    )


def evaluation(forecasts: list[Forecast]) -> EvaluateForecasts:
    store = StoredForecasts()
    store.forecasts = forecasts
    measured = Series(START, HOUR, np.where(np.arange(480) < 240, 1500.0, 1000.0))
    clock = ManualClock(NOW + timedelta(days=2))
    sites = sites_of([LOAD, PV])
    history = FixedHistory({LOAD: measured, PV: measured})
    return EvaluateForecasts(store=store, history=history, sites=sites, clock=clock)


ALL = TimeRange(START, NOW + timedelta(days=30))


async def test_forecasts_are_pooled_over_lead_times_and_sources() -> None:
    evaluate = evaluation([forecast(0), forecast(1, source="seasonal"), forecast(2)])

    found = await evaluate([LOAD], ALL, None)

    assert found.score.compared == 12
    assert found.score.wape_ratio == pytest.approx(0.1)
    assert found.score.naive_wape_ratio == pytest.approx(0.5)
    assert found.score.coverage_ratio == 1.0
    assert found.by_source == {"model:load/1": 2, "seasonal": 1}


async def test_forecasts_of_different_resolutions_are_compared_each_on_its_own() -> None:
    evaluate = evaluation([forecast(0), forecast(1, resolution=HOUR / 4)])

    assert (await evaluate([LOAD], ALL, None)).score.compared == 8


async def test_what_is_measured_later_does_not_count() -> None:
    evaluate = evaluation([forecast(0)])

    assert (await evaluate([LOAD], ALL, NOW + 2.5 * HOUR)).score.compared == 2
    assert (await evaluate([LOAD], ALL, NOW - timedelta(days=30))).score.compared == 0


async def test_only_forecasts_issued_in_the_range_count() -> None:
    evaluate = evaluation([forecast(0), forecast(5)])

    found = await evaluate([LOAD], TimeRange(NOW, NOW + 10 * HOUR), None)

    assert found.by_source == {"model:load/1": 1}


async def test_loads_and_plants_are_not_pooled() -> None:
    with pytest.raises(InvalidArgument, match="one kind"):
        await evaluation([])([LOAD, PV], ALL, None)


async def test_pages_go_from_the_newest_to_the_oldest_without_gap_or_repeat() -> None:
    store = StoredForecasts()
    store.forecasts = [forecast(number) for number in range(5)]
    list_forecasts = ListForecasts(store)

    names: list[str] = []
    after = None
    while True:
        page = await list_forecasts(LOAD, None, 2, after)
        names += [item.name.rpartition("/")[2] for item in page.forecasts]
        if page.next is None:
            break
        after = page.next

    assert names == ["4", "3", "2", "1", "0"]


async def test_a_negative_page_size_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        await ListForecasts(StoredForecasts())(LOAD, None, -1, None)
