"""A caller's own counterfactual over the wire, beside the same reckoned with numpy alone."""

from collections.abc import AsyncIterator

import grpc
import numpy as np
import pytest

from tests.fakes.analytics_home_days import HOME_DAYS, INTENSITY, SPAN, cost, grams, time_of_use
from tests.fakes.analytics_world import HOME, HOUR, QUARTER, AnalyticsWorld, analytics_world
from wattmesh.analytics.v1 import analytics_service_pb2 as pb
from wattmesh.analytics.v1 import bill_pb2, savings_pb2
from wattmesh_contracts.values import series_to_proto, time_range_to_proto
from wattmesh_kernel.series import Series
from wattmesh_runtime.errors import error_from_rpc

CHANGE_KWH = np.where(np.arange(len(HOME_DAYS.grid)) % 3, 0.4, -0.3)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[AnalyticsWorld]:
    async with analytics_world(database_url, SPAN.end + HOUR) as world:
        await world.add_home(time_of_use(), HOME_DAYS)
        await world.publish(INTENSITY)
        yield world


def declared(site: str) -> savings_pb2.DeclaredChange:
    change = Series(SPAN.start, QUARTER, CHANGE_KWH * 1000)
    return savings_pb2.DeclaredChange(site=site, net_energy_wh=series_to_proto(change))


def asked(*changes: savings_pb2.DeclaredChange) -> pb.QuerySavingsRequest:
    return pb.QuerySavingsRequest(
        sites=[HOME],
        range=time_range_to_proto(SPAN),
        counterfactual=bill_pb2.COUNTERFACTUAL_DECLARED,
        declared_changes=changes,
    )


async def test_what_somebody_elses_rule_would_have_cost_emitted_and_peaked_at(
    world: AnalyticsWorld,
) -> None:
    total = (await world.analytics.QuerySavings(asked(declared(HOME)))).total
    otherwise = HOME_DAYS.grid + CHANGE_KWH
    assert float(total.metered.tariff_amount) == pytest.approx(cost(HOME_DAYS.grid), abs=0.01)
    assert float(total.without.tariff_amount) == pytest.approx(cost(otherwise), abs=0.01)
    assert total.without.emissions_gco2e == pytest.approx(grams(otherwise), rel=1e-6)
    assert total.without.peak_kw == pytest.approx(4 * otherwise.max())
    assert sum(float(part.amount) for part in total.parts) == pytest.approx(
        cost(otherwise) - cost(HOME_DAYS.grid), abs=1e-4
    )
    assert total.comparable_saved_amount == ""  # nobody says what would be stored at the end


async def test_a_site_that_is_declared_twice_and_a_bill_by_declaration_are_refused(
    world: AnalyticsWorld,
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as twice:
        await world.analytics.QuerySavings(asked(declared(HOME), declared(HOME)))
    assert error_from_rpc(twice.value).reason == "REPEATED_SITE"
    with pytest.raises(grpc.aio.AioRpcError) as billed:
        await world.analytics.QueryBills(
            pb.QueryBillsRequest(
                site=HOME,
                range=time_range_to_proto(SPAN),
                counterfactual=bill_pb2.COUNTERFACTUAL_DECLARED,
            )
        )
    assert error_from_rpc(billed.value).reason == "UNKNOWN_VALUE"
