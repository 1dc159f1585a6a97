"""What forecast has seen for less than a day comes to the planner without any certainty."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import grpc
import pytest

from tests.fakes.planner_asked_home import asked, inputs
from tests.fakes.planner_solving import solved
from wattmesh.forecast.v1 import ensemble_pb2, forecast_pb2, forecast_pb2_grpc
from wattmesh_contracts.values import duration_to_proto
from wattmesh_forecast.domain.forecast import ASSUMED
from wattmesh_planner.adapters.event_promises import promises_from_plans
from wattmesh_planner.adapters.forecast import GrpcForecaster
from wattmesh_planner.domain.events import ReductionTerms
from wattmesh_planner.domain.inputs import AssetForecast, PlanInputs
from wattmesh_runtime.testing import channel_for_test, serve_for_test

HOUR = timedelta(hours=1)
SPREADS = {
    "alike": (300.0, 300.0, 300.0),  # of a flat day: it looks as if nothing could come otherwise
    "apart": (250.0, 300.0, 420.0),
}


class Forecasts(forecast_pb2_grpc.ForecastServiceServicer):
    """Answers 300 W for everything, made as `source` says, within a `spread`."""

    def __init__(self) -> None:
        self.source = ASSUMED
        self.spread = SPREADS["alike"]

    async def IssueForecasts(  # noqa: N802
        self, request: forecast_pb2.IssueForecastsRequest, context: Any
    ) -> forecast_pb2.IssueForecastsResponse:
        results = [
            forecast_pb2.AssetForecast(asset=each, forecast=self._forecast(request))
            for each in request.assets
        ]
        return forecast_pb2.IssueForecastsResponse(results=results)

    async def IssueEnsemble(  # noqa: N802
        self, request: ensemble_pb2.IssueEnsembleRequest, context: Any
    ) -> forecast_pb2.IssueEnsembleResponse:
        forecast = self._forecast(request)
        members = forecast_pb2.ForecastMembers(forecast=forecast)
        for _ in range(request.member_count):
            members.members.add(values_w=forecast.quantiles[1].values)
        results = [
            forecast_pb2.AssetEnsemble(asset=each, members=members) for each in request.assets
        ]
        return forecast_pb2.IssueEnsembleResponse(results=results)

    def _forecast(self, request: Any) -> forecast_pb2.Forecast:
        count = (request.range.end_time.seconds - request.range.start_time.seconds) // 3600
        quantiles = [
            forecast_pb2.Quantile(ratio=ratio, values=[power_w] * count)
            for ratio, power_w in zip((0.1, 0.5, 0.9), self.spread, strict=True)
        ]
        return forecast_pb2.Forecast(
            source=self.source,
            start_time=request.range.start_time,
            resolution=duration_to_proto(HOUR),
            quantiles=quantiles,
        )


@pytest.fixture
def forecasts() -> Forecasts:
    return Forecasts()  # type: ignore[abstract]


@pytest.fixture
async def channel(forecasts: Forecasts) -> AsyncIterator[grpc.aio.Channel]:
    add = forecast_pb2_grpc.add_ForecastServiceServicer_to_server
    async with serve_for_test(partial(add, forecasts)) as target, channel_for_test(target) as one:
        yield one


async def heard(channel: grpc.aio.Channel, given: PlanInputs, members: int) -> PlanInputs:
    """Return a problem with the forecasts that come over the wire."""
    site = given.sites[0]
    ids = [each.asset.id for each in site.assets if each.forecast is not None]
    found = await GrpcForecaster(channel).forecast(ids, given.target, HOUR, 10.0, members=members)
    assets = []
    for each in site.assets:
        forecast = found.get(each.asset.id)
        assert forecast is None or isinstance(forecast, AssetForecast)
        assets.append(each if forecast is None else replace(each, forecast=forecast))
    return replace(given, sites=(replace(site, assets=tuple(assets)),))


@pytest.mark.parametrize("members", [0, 3])
@pytest.mark.parametrize("spread", SPREADS.values(), ids=SPREADS)
async def test_nothing_is_promised_on_what_is_assumed_however_sure_it_looks(
    channel: grpc.aio.Channel, forecasts: Forecasts, spread: Any, members: int
) -> None:
    """A first day in which a load ran flat promised as if it always would: 0.95 of it came."""
    forecasts.spread = spread
    given = await inputs(asked(ReductionTerms(price_per_kwh=5.0)))
    assumed = await heard(channel, given, members)
    forecasts.source = "model:load/3"
    modelled = await heard(channel, given, members)

    for problem, sure in ((assumed, False), (modelled, True)):
        plan, without = solved(problem), solved(replace(problem, events=()))
        (promise,) = promises_from_plans(plan, without, problem)
        assert (sum(promise.committed_w) > 0) is sure
        assert promise.expected_payment is not None
        assert promise.expected_payment.amount > 0  # what is delivered is paid in any case
        told = [each.forecast for each in problem.sites[0].assets if each.forecast is not None]
        assert told
        assert all((each.above_w is not None) is sure for each in told)
        assert all(each.power_w.values == pytest.approx(300.0) for each in told)
