"""What is wrong, over the wire: found in what metering keeps, dated and priced."""

from datetime import timedelta

import numpy as np
import pytest

from tests.fakes.analytics_world import DAY, HOME, HOUR, START, HomeDays, analytics_world
from wattmesh.analytics.v1 import analytics_service_pb2 as pb
from wattmesh.analytics.v1 import anomaly_pb2
from wattmesh.type.v1 import tariff_pb2
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.time import TimeRange

DAYS, BEGIN = 42, 30
SPAN = TimeRange.of(START, DAYS * timedelta(days=1))


@pytest.mark.time_limit(120)
async def test_a_freezer_left_on_is_found_dated_and_priced(database_url: str) -> None:
    rng = np.random.default_rng(3)
    load = 0.1 * rng.uniform(0.9, 1.1, DAYS * DAY)
    load[BEGIN * DAY :] += 0.05
    none = np.zeros(DAYS * DAY)
    flat = tariff_pb2.Tariff(
        name="tariffs/home",
        currency_code="USD",
        import_rates=tariff_pb2.EnergyRates(base_per_kwh=0.3),
    )
    async with analytics_world(database_url, SPAN.end + HOUR) as world:
        await world.add_home(flat, HomeDays(sun=none, battery=none, load=load))
        request = pb.QueryAnomaliesRequest(site=HOME, range=time_range_to_proto(SPAN))
        (found,) = (await world.analytics.QueryAnomalies(request, timeout=30)).anomalies

    assert found.kind == anomaly_pb2.ANOMALY_KIND_BASE_LOAD
    assert found.lasting
    since = found.range.start_time.ToDatetime().date()
    assert abs((since - (START + BEGIN * timedelta(days=1)).date()).days) <= 1
    # 0.05 kWh a quarter-hour more at 0.30 are 1.44 a day, for twelve days.
    assert float(found.cost_amount) == pytest.approx(12 * 1.44, rel=0.15)
    assert float(found.yearly_cost_amount) == pytest.approx(365 * 1.44, rel=0.1)
    assert "base load" in found.reason
