"""The service against PostgreSQL and metering, without a model server."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from subprocess import run

import grpc
import numpy as np
import pytest
from google.longrunning import operations_pb2

from tests.fakes.eventually import eventually, within
from tests.fakes.forecast_assets import START
from tests.fakes.forecast_process import (
    BATTERY,
    LOAD,
    PV,
    ForecastWorld,
    metered_home,
    running_forecast,
)
from tests.fakes.forecast_sites import asset
from tests.fakes.metered_homes import MeteredHomes
from tests.fakes.open_meteo import open_meteo, recorded
from wattmesh.forecast.v1 import ensemble_pb2, forecast_pb2
from wattmesh_contracts.values import datetime_from_proto, time_range_to_proto
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

DAYS = 30


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[ForecastWorld]:
    async with running_forecast(database_url, metered_home(DAYS), DAYS) as running:
        yield running


async def test_forecasts_are_seasonal_while_the_model_server_is_away(world: ForecastWorld) -> None:
    load, pv = await world.issue(LOAD, PV)

    assert (load.source, pv.source) == ("seasonal", "seasonal")
    assert (load.kind, pv.kind) == (
        forecast_pb2.FORECAST_KIND_LOAD,
        forecast_pb2.FORECAST_KIND_PV,
    )
    assert [quantile.ratio for quantile in load.quantiles] == [0.1, 0.5, 0.9]
    low, middle, high = (np.array(quantile.values) for quantile in pv.quantiles)
    assert len(middle) == 24
    assert (low <= middle).all()
    assert (middle <= high).all()
    assert (high <= 0).all()
    assert datetime_from_proto(pv.issue_time) == world.clock.now()


async def test_members_of_load_and_plant_come_with_the_forecasts_they_are_drawn_from(
    world: ForecastWorld,
) -> None:
    load, pv = await world.issue(LOAD, PV)
    asked = ensemble_pb2.IssueEnsembleRequest(
        assets=[LOAD.name, BATTERY.name, PV.name],
        range=time_range_to_proto(
            TimeRange.of(datetime_from_proto(load.start_time), timedelta(days=1))
        ),
        resolution=load.resolution,
        member_count=5,
        seed=3,
    )

    answer = await world.stub.IssueEnsemble(asked)

    of_load, _, of_pv = answer.results
    assert (answer.member_count, answer.seed) == (5, 3)
    assert [each.WhichOneof("result") for each in answer.results] == [
        "members",
        "failure",
        "members",
    ]
    assert of_load.members.forecast.quantiles == load.quantiles
    assert {len(each.values_w) for each in of_load.members.members} == {24}
    assert len(of_pv.members.members) == 5
    assert max(max(each.values_w) for each in of_pv.members.members) <= 0
    assert of_pv.members.forecast.asset == pv.asset


async def test_a_forecast_keeps_what_it_did_not_believe_and_how_old_its_readings_are(
    database_url: str,
) -> None:
    home = metered_home(DAYS)
    power = home.power_w[LOAD].values.copy()
    power[200:272] = 0.0
    measured = {**home.power_w, LOAD: Series(START, HOUR, power)}
    home = MeteredHomes(power_w=measured)  # type: ignore[abstract]
    async with running_forecast(database_url, home, DAYS) as world:
        (load,) = await world.issue(LOAD)
        stored = await world.stub.GetForecast(forecast_pb2.GetForecastRequest(name=load.name))

    (finding,) = load.input_findings
    assert (finding.fault, finding.hours) == (forecast_pb2.INPUT_FAULT_OUTAGE, 72)
    assert load.model_refusal == forecast_pb2.MODEL_REFUSAL_UNAVAILABLE
    age = datetime_from_proto(load.issue_time) - datetime_from_proto(load.last_measured_time)
    assert load.input_age.ToTimedelta() == age
    assert stored.forecast == load


async def test_what_was_issued_is_listed_newest_first_page_by_page(world: ForecastWorld) -> None:
    issued = []
    for _ in range(5):
        issued += await world.issue(LOAD)
        world.clock.advance(HOUR)
    await world.issue(PV)

    listed, token = [], ""
    while True:
        page = await world.stub.ListForecasts(
            forecast_pb2.ListForecastsRequest(parent=LOAD.name, page_size=2, page_token=token)
        )
        assert len(page.forecasts) <= 2
        listed += page.forecasts
        if not (token := page.next_page_token):
            break

    assert listed == issued[::-1]


async def test_the_range_of_issue_times_chooses(world: ForecastWorld) -> None:
    began = world.clock.now()
    for _ in range(3):
        await world.issue(LOAD)
        world.clock.advance(HOUR)

    page = await world.stub.ListForecasts(
        forecast_pb2.ListForecastsRequest(
            parent=LOAD.name, issue_range=time_range_to_proto(TimeRange.of(began + HOUR, HOUR))
        )
    )

    assert [datetime_from_proto(f.issue_time) for f in page.forecasts] == [began + HOUR]


async def test_issued_forecasts_are_held_against_what_came(world: ForecastWorld) -> None:
    began = world.clock.now()
    for _ in range(12):
        await world.issue(LOAD, PV)
        world.clock.advance(HOUR)
    world.clock.advance(timedelta(days=1))

    for each in (LOAD, PV):
        found = await world.stub.EvaluateForecasts(
            forecast_pb2.EvaluateForecastsRequest(
                assets=[each.name],
                issue_range=time_range_to_proto(TimeRange.of(began, timedelta(days=1))),
            )
        )
        assert found.compared == 12 * 24
        assert dict(found.forecasts_by_source) == {"seasonal": 12}
        assert 0 < found.wape_ratio < 1.2 * found.naive_wape_ratio
        shares = found.wape_ratio / found.naive_wape_ratio
        assert found.error_sum_w / found.naive_error_sum_w == pytest.approx(shares)
        assert 0.5 < found.coverage_ratio <= 1


async def test_nothing_to_compare_is_absent_not_zero(world: ForecastWorld) -> None:
    found = await world.stub.EvaluateForecasts(
        forecast_pb2.EvaluateForecastsRequest(
            assets=[LOAD.name],
            issue_range=time_range_to_proto(TimeRange.of(world.clock.now(), HOUR)),
        )
    )

    assert not found.HasField("wape_ratio")
    assert not found.HasField("naive_wape_ratio")
    assert found.compared == 0


async def test_the_past_is_read_ahead_so_that_an_issue_asks_for_little(
    world: ForecastWorld,
) -> None:
    async with within(10):
        while not world.metering.asked:
            await asyncio.sleep(0.01)
    await world.issue(LOAD)
    world.clock.advance(HOUR)
    await world.issue(LOAD)

    first, *later = [each for each in world.metering.asked if each >= timedelta(days=1)]
    assert first > timedelta(days=DAYS)
    assert later == [timedelta(days=2)]  # the first issue, in the hour of the start, asks nothing
    running = [each for each in world.metering.asked if each < timedelta(days=1)]
    assert running == [timedelta(minutes=90)] * 2  # the running half hour, and the hour before it


async def test_what_cannot_be_forecast_has_its_reason_beside_what_can(
    world: ForecastWorld,
) -> None:
    shed = AssetId(SiteId("home-1"), "shed")

    battery, load, unknown = await world.results(BATTERY, LOAD, shed)

    assert battery.failure.reason == forecast_pb2.FORECAST_FAILURE_REASON_KIND_NOT_FORECAST
    assert load.forecast.asset == load.asset == LOAD.name
    assert unknown.asset == shed.name
    assert unknown.failure.reason == forecast_pb2.FORECAST_FAILURE_REASON_UNKNOWN_ASSET
    assert "shed" in unknown.failure.message


@pytest.mark.parametrize(
    ("assets", "words"), [(["load"], "does not look like"), ([], "at least one asset")]
)
async def test_what_names_no_asset_is_refused(
    world: ForecastWorld, assets: list[str], words: str
) -> None:
    request = forecast_pb2.IssueForecastsRequest(
        assets=assets,
        range=time_range_to_proto(TimeRange.of(world.clock.now() + HOUR / 2, HOUR)),
    )
    request.resolution.FromTimedelta(HOUR)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await world.stub.IssueForecasts(request)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert words in str(caught.value.details())


async def test_a_load_added_after_the_start_is_forecast_within_seconds(
    world: ForecastWorld,
) -> None:
    new = AssetId(SiteId("home-1"), "load-2")
    world.metering.power_w[new] = world.metering.power_w[LOAD]
    unmetered = AssetId(SiteId("home-1"), "load-3")

    world.metering.sites.change(asset(new), asset(unmetered))
    async with within(5):
        await world.until_known(new, unmetered)
    forecast, reason = await world.results(new, unmetered)

    assert forecast.forecast.source == "seasonal"
    assert reason.failure.reason == forecast_pb2.FORECAST_FAILURE_REASON_HISTORY_UNAVAILABLE


async def test_an_issued_forecast_can_be_asked_for_by_its_name(world: ForecastWorld) -> None:
    (issued,) = await world.issue(PV)

    answer = await world.stub.GetForecast(forecast_pb2.GetForecastRequest(name=issued.name))

    assert answer.forecast == issued
    # Of the running hour, all of the half that has passed is known.
    assert datetime_from_proto(issued.last_measured_time) == world.clock.now()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await world.stub.GetForecast(forecast_pb2.GetForecastRequest(name=issued.name + "x"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_page_token_of_another_list_is_refused(world: ForecastWorld) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await world.stub.ListForecasts(
            forecast_pb2.ListForecastsRequest(parent=LOAD.name, page_token="bm9uZQ==")
        )
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_an_unknown_operation_is_not_found(world: ForecastWorld) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await world.operations.GetOperation(operations_pb2.GetOperationRequest(name="operations/1"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_the_process_carries_neither_tensorflow_nor_pandas() -> None:
    program = (
        "import sys, wattmesh_forecast.wiring;"
        "heavy = ('tensorflow.python', 'keras', 'jax', 'pandas', 'scipy');"
        "print([m for m in heavy if m in sys.modules])"
    )
    found = run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


async def test_weather_that_is_told_over_http_is_kept_and_moves_the_forecasts_of_plants(
    database_url: str,
) -> None:
    now = START + timedelta(days=DAYS)
    first = now - timedelta(days=46)
    hours = np.arange(55 * 24)
    with open_meteo() as weather:
        shine = np.maximum(800 * np.cos(np.pi * (hours % 24 - 13) / 12), 0.0)
        warmth = 20 + 5 * np.cos(np.pi * (hours % 24 - 15) / 12)
        weather.answer = recorded(int(first.timestamp()), warmth.tolist(), shine.tolist())
        async with running_forecast(
            database_url, metered_home(DAYS), DAYS, weather_url=weather.url
        ) as world:

            async def by_weather() -> bool:
                return await world.sources(LOAD, PV) == ["seasonal", "weather"]

            await eventually(by_weather, seconds=60)
            (plant,) = await world.issue(PV)

        async with running_forecast(
            database_url, metered_home(DAYS), DAYS, weather_url=weather.url
        ) as world:
            await eventually(by_weather, seconds=60)

    assert len(weather.asked) == 1  # the second had it from the first's table
    assert min(plant.quantiles[1].values) < 0
