"""Indicators and footprints over the wire, beside the same reckoned with numpy alone."""

from collections.abc import AsyncIterator
from datetime import timedelta

import grpc
import numpy as np
import pytest

from tests.fakes.analytics_home_days import (
    DAYS,
    HOME_DAYS,
    INTENSITY,
    SPAN,
    grams,
    time_of_use,
)
from tests.fakes.analytics_world import (
    DAY,
    HOME,
    HOUR,
    QUARTER,
    START,
    AnalyticsWorld,
    analytics_world,
)
from tests.fakes.eventually import eventually
from tests.fakes.metering_world import batch, point, samples, some_device
from wattmesh.analytics.v1 import analytics_service_pb2 as pb
from wattmesh.analytics.v1 import indicators_pb2
from wattmesh.site.v1 import asset_pb2, device_pb2, site_pb2, site_service_pb2
from wattmesh.type.v1 import rating_pb2
from wattmesh_contracts.values import (
    time_range_to_proto,
)
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import error_from_rpc


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[AnalyticsWorld]:
    async with analytics_world(database_url, SPAN.end + HOUR) as world:
        await world.add_home(time_of_use(), HOME_DAYS)
        await world.publish(INTENSITY)
        yield world


async def test_indicators_come_day_by_day(world: AnalyticsWorld) -> None:
    request = pb.QueryIndicatorsRequest(
        site=HOME,
        range=time_range_to_proto(SPAN),
        division=indicators_pb2.DIVISION_DAY,
        by_asset=True,
    )
    found = (await world.analytics.QueryIndicators(request)).indicators
    (battery,) = (each for each in found[0].assets if each.asset.endswith("/battery"))
    assert battery.full_cycles == pytest.approx(found[0].full_cycles)
    assert battery.covered_ratio == 1.0
    assert len(found) == DAYS
    first = slice(0, DAY)
    used = HOME_DAYS.load[first].sum()
    imported = np.maximum(HOME_DAYS.grid[first], 0).sum()
    assert found[0].consumption_energy_kwh == pytest.approx(used, rel=1e-6)
    assert found[0].self_sufficiency_ratio == pytest.approx(max(1 - imported / used, 0), abs=1e-6)
    given = np.maximum(-HOME_DAYS.battery[first], 0).sum()
    assert found[0].full_cycles == pytest.approx(given / 6.4, rel=1e-6)


async def test_a_year_of_operation_is_told_and_who_tells_nothing_is_named_once(
    world: AnalyticsWorld,
) -> None:
    """More than a quarter of a year was refused."""
    year = TimeRange(SPAN.end - timedelta(days=365), SPAN.end)
    request = pb.QueryIndicatorsRequest(
        site=HOME,
        range=time_range_to_proto(year),
        division=indicators_pb2.DIVISION_YEAR,
        with_operation=True,
    )
    found = (await world.analytics.QueryIndicators(request)).indicators
    longer = TimeRange(year.start - 2 * DAY * timedelta(minutes=15), year.end)
    request.range.CopyFrom(time_range_to_proto(longer))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await world.analytics.QueryIndicators(request)

    assert [list(each.operation.missing) for each in found] == [
        ["control is not asked", "the planner is not asked"]
    ] * len(found)
    assert error_from_rpc(refused.value).reason == "RANGE_TOO_LONG"


async def test_indicators_of_a_group_are_those_of_its_sites_together(
    world: AnalyticsWorld,
) -> None:
    group = site_pb2.SiteGroup(name="groups/street", sites=[HOME])
    await world.metering.sites.CreateSiteGroup(
        site_service_pb2.CreateSiteGroupRequest(site_group=group)
    )
    request = pb.QueryIndicatorsRequest(group="groups/street", range=time_range_to_proto(SPAN))

    async def known() -> bool:
        try:
            found = (await world.analytics.QueryIndicators(request)).indicators
        except grpc.aio.AioRpcError as error:
            if error_from_rpc(error).reason != "GROUP_NOT_FOUND":
                raise
            return False
        assert [(each.site, each.group) for each in found] == [("", "groups/street")]
        assert found[0].import_peak_kw == pytest.approx(4 * HOME_DAYS.grid.max())
        return True

    await eventually(known)
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await world.analytics.QueryIndicators(
            pb.QueryIndicatorsRequest(range=time_range_to_proto(SPAN))
        )
    assert error_from_rpc(failure.value).reason == "MISSING_FIELD"


async def test_a_site_has_a_footprint_to_the_gram_and_what_was_its_own(
    world: AnalyticsWorld,
) -> None:
    request = pb.QueryFootprintRequest(subjects=[HOME], range=time_range_to_proto(SPAN))
    answer = await world.analytics.QueryFootprint(request)
    found = answer.total.footprint
    assert found.location_based_gco2e == pytest.approx(grams(HOME_DAYS.grid), rel=1e-6)
    assert found.covered_energy_ratio == 1.0
    assert len(found.location_based_gco2e_series.values) == DAYS * DAY
    used = HOME_DAYS.load.sum()
    own = np.clip(HOME_DAYS.load - np.maximum(HOME_DAYS.grid, 0), 0, None).sum()
    assert answer.total.matching.hourly_matched_ratio == pytest.approx(own / used, rel=1e-6)


async def test_what_a_generator_burns_is_in_the_footprint_of_its_site(
    world: AnalyticsWorld,
) -> None:
    rating = rating_pb2.GeneratorRating(max_output_power_w=5000.0, emission_gco2e_per_kwh=700.0)
    asset = asset_pb2.Asset(name=f"{HOME}/assets/generator", generator=rating)
    meter = some_device(
        f"{HOME}/devices/genset",
        ["export_energy_wh"],
        device_pb2.DeviceFunction(asset=asset.name, meter_role=device_pb2.METER_ROLE_MAIN),
    )
    sites = world.metering.sites
    await sites.CreateAsset(site_service_pb2.CreateAssetRequest(asset=asset))
    await sites.CreateDevice(site_service_pb2.CreateDeviceRequest(device=meter))
    given_wh = np.arange(DAYS * DAY + 1) * 100.0
    rows = samples(point("genset", "export_energy_wh"), START, QUARTER, given_wh)
    await world.metering.send(batch(9, rows))
    request = pb.QueryFootprintRequest(subjects=[HOME], range=time_range_to_proto(SPAN))

    async def burns() -> bool:
        answer = await world.analytics.QueryFootprint(request)
        return answer.total.footprint.HasField("scope1_gco2e")

    await eventually(burns)
    found = (await world.analytics.QueryFootprint(request)).total.footprint
    assert found.scope1_gco2e == pytest.approx(given_wh[-1] / 1000 * 700.0)
    assert found.location_based_gco2e == pytest.approx(grams(HOME_DAYS.grid), rel=1e-6)


async def test_a_silent_meter_lowers_what_a_footprint_speaks_for(world: AnalyticsWorld) -> None:
    """The day before the first reading was not metered."""
    before = TimeRange(START - timedelta(days=1), START + timedelta(days=1))
    request = pb.QueryFootprintRequest(subjects=[HOME], range=time_range_to_proto(before))
    answer = await world.analytics.QueryFootprint(request)
    assert answer.total.footprint.covered_energy_ratio == pytest.approx(0.5, abs=0.01)
