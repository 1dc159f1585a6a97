"""A measure of efficiency, as a user asks what it saved."""

from datetime import timedelta

import grpc
import numpy as np
import pytest

from tests.fakes.analytics_world import DAY, HOME, HOUR, START, HomeDays, analytics_world
from wattmesh.analytics.v1 import analytics_service_pb2 as pb
from wattmesh.type.v1 import tariff_pb2
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import error_from_rpc


async def test_where_nobody_measures_the_weather_nothing_is_said_of_a_measure(
    database_url: str,
) -> None:
    """Nor of a time that lies before the baseline."""
    flat = tariff_pb2.Tariff(
        name="tariffs/home",
        currency_code="USD",
        import_rates=tariff_pb2.EnergyRates(base_per_kwh=0.2),
    )
    days = HomeDays(sun=np.zeros(DAY), battery=np.zeros(DAY), load=np.full(DAY, 0.25))
    before, after = TimeRange.of(START, 12 * HOUR), TimeRange.of(START + 12 * HOUR, 12 * HOUR)
    async with analytics_world(database_url, START + timedelta(days=1) + HOUR) as world:
        await world.add_home(flat, days)
        reasons = []
        for first, last in ((before, after), (after, before)):
            request = pb.QueryMeasureSavingsRequest(
                site=HOME,
                baseline_range=time_range_to_proto(first),
                range=time_range_to_proto(last),
            )
            with pytest.raises(grpc.aio.AioRpcError) as failure:
                await world.analytics.QueryMeasureSavings(request)
            reasons.append(error_from_rpc(failure.value).reason)

    assert reasons == ["NO_OUTDOOR_TEMPERATURE", "INVALID_RANGE"]
