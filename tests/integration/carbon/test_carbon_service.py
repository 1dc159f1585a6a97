from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import numpy as np
import pytest

from tests.fakes.manual_clock import ManualClock
from wattmesh.carbon.v1 import carbon_pb2, carbon_pb2_grpc
from wattmesh_carbon.settings import CarbonSettings
from wattmesh_carbon.wiring import wire
from wattmesh_contracts.values import (
    duration_to_proto,
    series_from_proto,
    series_to_proto,
    time_range_to_proto,
)
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import error_from_rpc
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.testing import channel_for_test, serve_for_test

HOUR = timedelta(hours=1)
NOW = datetime(2024, 5, 15, tzinfo=UTC)
DAY = 200 + 50 * np.cos(np.arange(24) / 24 * 2 * np.pi)


@pytest.fixture
async def carbon(database_url: str) -> AsyncIterator[Any]:
    settings, clock = CarbonSettings(database_url=database_url), ManualClock(NOW)
    async with (
        Runtime(settings, clock, Telemetry("test")) as runtime,
        wire(settings, runtime) as service,
        serve_for_test(*service.register) as target,
        channel_for_test(target) as channel,
    ):
        yield carbon_pb2_grpc.CarbonServiceStub(channel)


def average(start: datetime, values: np.ndarray[Any, np.dtype[np.float64]]) -> Any:
    intensity = carbon_pb2.AverageIntensity(
        zone="zones/de",
        average_gco2e_per_kwh=series_to_proto(Series(start, HOUR, values)),
        source="grid operator",
    )
    return carbon_pb2.PublishAverageIntensityRequest(intensity=intensity)


def spanning(start: datetime, hours: int, kind: Any) -> Any:
    return kind(
        zone="zones/de",
        range=time_range_to_proto(TimeRange.of(start, hours * HOUR)),
        resolution=duration_to_proto(HOUR),
    )


async def reason_of(call: Any) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return error_from_rpc(caught.value).reason


async def test_published_intensities_come_back_with_gaps_as_gaps(carbon: Any) -> None:
    values = np.array([100.0, np.nan, 300.0])
    stored = await carbon.PublishAverageIntensity(average(NOW - 3 * HOUR, values))

    answer = await carbon.QueryAverageIntensity(
        spanning(NOW - 4 * HOUR, 4, carbon_pb2.QueryAverageIntensityRequest)
    )

    read = series_from_proto(answer.intensity.average_gco2e_per_kwh).values
    assert stored.stored == 2
    assert np.array_equal(read, [np.nan, 100.0, np.nan, 300.0], equal_nan=True)


async def test_publishing_again_replaces(carbon: Any) -> None:
    for value in (100.0, 150.0):
        await carbon.PublishAverageIntensity(average(NOW - HOUR, np.array([value])))

    answer = await carbon.QueryAverageIntensity(
        spanning(NOW - HOUR, 1, carbon_pb2.QueryAverageIntensityRequest)
    )

    assert list(answer.intensity.average_gco2e_per_kwh.values) == [150.0]


async def test_an_intensity_of_the_future_is_refused(carbon: Any) -> None:
    call = carbon.PublishAverageIntensity(average(NOW, np.array([100.0])))

    assert await reason_of(call) == "FUTURE_INTENSITY"


async def test_average_and_marginal_are_never_mixed(carbon: Any) -> None:
    await carbon.PublishAverageIntensity(average(NOW - HOUR, np.array([100.0])))

    marginal = await carbon.QueryMarginalIntensity(
        spanning(NOW - HOUR, 1, carbon_pb2.QueryMarginalIntensityRequest)
    )

    assert np.isnan(marginal.intensity.marginal_gco2e_per_kwh.values[0])


async def test_a_forecast_follows_the_daily_pattern_and_says_so(carbon: Any) -> None:
    await carbon.PublishAverageIntensity(average(NOW - 240 * HOUR, np.tile(DAY, 10)))

    answer = await carbon.ForecastAverageIntensity(
        spanning(NOW, 24, carbon_pb2.ForecastAverageIntensityRequest)
    )

    assert answer.intensity.source == "pattern"
    assert answer.intensity.newest_time.ToDatetime(UTC) == NOW
    expected = series_from_proto(answer.intensity.average_gco2e_per_kwh).values
    assert expected == pytest.approx(DAY, abs=1)
    assert not answer.quantiles, "nobody has asked"


async def test_a_forecast_says_how_far_off_it_may_be_by_how_others_came_out(carbon: Any) -> None:
    noise = np.random.default_rng(3).normal(0, 5, 14 * 24)
    await carbon.PublishAverageIntensity(average(NOW - 14 * 24 * HOUR, np.tile(DAY, 14) + noise))
    request = spanning(NOW, 48, carbon_pb2.ForecastAverageIntensityRequest)
    request.include_quantiles = True
    answer = await carbon.ForecastAverageIntensity(request)
    assert [each.ratio for each in answer.quantiles] == [0.1, 0.5, 0.9]
    low, _, high = (np.array(each.values) for each in answer.quantiles)
    assert low.shape == high.shape == (48,)
    assert 5 < (high - low).mean() < 30
    assert 0 < answer.score.mean_absolute_error_gco2e_per_kwh < 10
    assert answer.score.naive_mean_absolute_error_gco2e_per_kwh > 0


async def test_a_zone_without_intensities_has_no_forecast(carbon: Any) -> None:
    call = carbon.ForecastAverageIntensity(
        spanning(NOW, 24, carbon_pb2.ForecastAverageIntensityRequest)
    )

    assert await reason_of(call) == "NO_INTENSITY"


async def test_what_is_too_old_is_no_forecast_and_its_age_is_told(carbon: Any) -> None:
    """It was one for a fortnight, from the pattern of a grid that had changed since."""
    await carbon.PublishAverageIntensity(average(NOW - 240 * HOUR, np.tile(DAY, 7)))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await carbon.ForecastAverageIntensity(
            spanning(NOW, 24, carbon_pb2.ForecastAverageIntensityRequest)
        )
    error = error_from_rpc(caught.value)
    assert error.reason == "NO_INTENSITY"
    assert "72 h old" in error.message


async def test_a_run_is_put_where_the_grid_is_cleanest(carbon: Any) -> None:
    await carbon.PublishAverageIntensity(average(NOW - 240 * HOUR, np.tile(DAY, 10)))

    answer = await carbon.FindBestWindow(
        carbon_pb2.FindBestWindowRequest(
            zone="zones/de",
            range=time_range_to_proto(TimeRange.of(NOW, 24 * HOUR)),
            run_duration=duration_to_proto(2 * HOUR),
        )
    )

    assert answer.range.start_time.ToDatetime(UTC) == NOW + 11 * HOUR
    assert answer.average_gco2e_per_kwh < answer.immediate_average_gco2e_per_kwh


async def test_a_footprint_says_how_much_it_speaks_for(carbon: Any) -> None:
    await carbon.PublishAverageIntensity(average(NOW - 2 * HOUR, np.array([100.0, np.nan])))
    energy = Series(NOW - 2 * HOUR, HOUR, np.array([3_000.0, 1_000.0]))

    answer = await carbon.ComputeFootprint(
        carbon_pb2.ComputeFootprintRequest(
            zone="zones/de", import_energy_wh=series_to_proto(energy)
        )
    )

    assert answer.location_based_gco2e == pytest.approx(300)
    assert answer.covered_energy_ratio == pytest.approx(0.75)


async def test_a_range_off_the_grid_is_refused(carbon: Any) -> None:
    call = carbon.QueryAverageIntensity(
        spanning(NOW + timedelta(minutes=5), 1, carbon_pb2.QueryAverageIntensityRequest)
    )

    assert await reason_of(call) == "OFF_RASTER"
