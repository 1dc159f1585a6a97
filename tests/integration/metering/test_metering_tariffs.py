"""Tariffs and their published prices through a real server and a real database."""

import math
from datetime import datetime, timedelta

import grpc
import pytest

from tests.fakes.metering_world import HOUR, NOON, QUARTER, MeteringWorld, metering_world
from wattmesh.site.v1 import site_pb2, site_service_pb2
from wattmesh.type.v1 import tariff_pb2
from wattmesh_contracts.values import (
    duration_to_proto,
    series_to_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

NAME = "tariffs/day-ahead"
NAN = math.nan
AFTERNOON = TimeRange(NOON, NOON + 4 * HOUR)


def _tariff() -> tariff_pb2.Tariff:
    return tariff_pb2.Tariff(
        name=NAME,
        display_name="Day ahead",
        currency_code="EUR",
        import_rates=tariff_pb2.EnergyRates(
            base_per_kwh=0.1, real_time=tariff_pb2.RealTimePrice(multiplier=1.2, adder_per_kwh=0.05)
        ),
        export_rates=tariff_pb2.EnergyRates(base_per_kwh=0.08),
        demand_charges=[
            tariff_pb2.DemandCharge(id="peak", price_per_kw=5, averaging=duration_to_proto(QUARTER))
        ],
    )


async def _publish(
    world: MeteringWorld,
    start: datetime,
    prices: list[float],
    publish_time: datetime | None = None,
    resolution: timedelta = HOUR,
) -> int:
    request = site_service_pb2.PublishPricesRequest(
        tariff=NAME,
        import_price_per_kwh=series_to_proto(Series(start, resolution, prices)),  # type: ignore[arg-type]
    )
    if publish_time:
        request.publish_time.CopyFrom(timestamp_to_proto(publish_time))
    return (await world.sites.PublishPrices(request)).stored


async def _prices(
    world: MeteringWorld, span: TimeRange, known_by: datetime | None = None
) -> list[float] | None:
    request = site_service_pb2.GetTariffRequest(name=NAME, price_range=time_range_to_proto(span))
    if known_by:
        request.known_by_time.CopyFrom(timestamp_to_proto(known_by))
    real_time = (await world.sites.GetTariff(request)).tariff.import_rates.real_time
    if not real_time.HasField("price_per_kwh"):
        return None
    assert real_time.price_per_kwh.start_time.ToDatetime(NOON.tzinfo) == span.start
    return list(real_time.price_per_kwh.values)


async def test_a_tariff_comes_back_as_it_was_sent_without_prices(database_url: str) -> None:
    sent = _tariff()
    sent.import_rates.real_time.price_per_kwh.CopyFrom(series_to_proto(Series(NOON, HOUR, [1.0])))  # type: ignore[arg-type]
    async with metering_world(database_url) as world:
        await world.sites.CreateTariff(
            site_service_pb2.CreateTariffRequest(tariff=sent, request_id="t")
        )
        await world.sites.CreateTariff(
            site_service_pb2.CreateTariffRequest(tariff=sent, request_id="t")
        )
        found = await world.sites.GetTariff(site_service_pb2.GetTariffRequest(name=NAME))
        listed = await world.sites.ListTariffs(site_service_pb2.ListTariffsRequest())
        assert list(listed.tariffs) == [found.tariff]
        assert found.tariff.import_rates.real_time.multiplier == 1.2
        assert not found.tariff.import_rates.real_time.HasField("price_per_kwh")
        assert [charge.id for charge in found.tariff.demand_charges] == ["peak"]
        site = site_pb2.Site(name="sites/home-1", time_zone="UTC", currency_code="EUR", tariff=NAME)
        await world.sites.CreateSite(site_service_pb2.CreateSiteRequest(site=site))


async def test_prices_are_asked_for_as_they_were_known(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.sites.CreateTariff(site_service_pb2.CreateTariffRequest(tariff=_tariff()))
        assert await _prices(world, AFTERNOON) is None
        assert await _publish(world, NOON, [1, NAN, 3], NOON - 2 * HOUR) == 2
        assert await _publish(world, NOON + HOUR, [-0.5, 30]) == 2
        known = await _prices(world, AFTERNOON)
        assert known == pytest.approx([1, -0.5, 30, NAN], nan_ok=True)
        earlier = await _prices(world, AFTERNOON, NOON - HOUR)
        assert earlier == pytest.approx([1, NAN, 3, NAN], nan_ok=True)
        assert await _prices(world, AFTERNOON, NOON - 3 * HOUR) is None


async def test_the_same_publication_again_changes_nothing(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.sites.CreateTariff(site_service_pb2.CreateTariffRequest(tariff=_tariff()))
        for _ in range(2):
            assert await _publish(world, NOON, [1, 2, 3, 4], NOON) == 4
        assert await _prices(world, AFTERNOON) == [1, 2, 3, 4]


async def test_prices_survive_a_replaced_tariff(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.sites.CreateTariff(site_service_pb2.CreateTariffRequest(tariff=_tariff()))
        await _publish(world, NOON, [1, 2, 3, 4])
        changed = _tariff()
        changed.import_rates.base_per_kwh = 0.2
        await world.sites.UpdateTariff(site_service_pb2.UpdateTariffRequest(tariff=changed))
        assert await _prices(world, AFTERNOON) == [1, 2, 3, 4]


async def test_finer_prices_replace_parts_of_coarser_ones(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.sites.CreateTariff(site_service_pb2.CreateTariffRequest(tariff=_tariff()))
        await _publish(world, NOON, [1, 2], NOON - HOUR)
        await _publish(world, NOON + HOUR, [5, 6], NOON, QUARTER)
        found = await _prices(world, TimeRange(NOON + 2 * QUARTER, NOON + 2 * HOUR))
        assert found == [1, 1, 5, 6, 2, 2]


async def test_prices_that_make_no_sense_are_refused(database_url: str) -> None:
    async with metering_world(database_url) as world:
        await world.sites.CreateTariff(site_service_pb2.CreateTariffRequest(tariff=_tariff()))
        series = series_to_proto(Series(NOON, HOUR, [1.0]))  # type: ignore[arg-type]
        off_raster = series_to_proto(Series(NOON + QUARTER, HOUR, [1.0]))  # type: ignore[arg-type]
        infinite = series_to_proto(Series(NOON, HOUR, [math.inf]))  # type: ignore[arg-type]
        tomorrow = timestamp_to_proto(NOON + 24 * HOUR)
        request = site_service_pb2.PublishPricesRequest
        for message, reason in (
            (request(tariff=NAME), "NO_PRICES"),
            (request(tariff=NAME, export_price_per_kwh=series), "NOT_DYNAMIC"),
            (request(tariff=NAME, import_price_per_kwh=off_raster), "OFF_RASTER"),
            (request(tariff=NAME, import_price_per_kwh=infinite), "INVALID_VALUE"),
            (
                request(tariff=NAME, import_price_per_kwh=series, publish_time=tomorrow),
                "INVALID_TIME",
            ),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await world.sites.PublishPrices(message)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert reason in str(caught.value.trailing_metadata())
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await world.sites.PublishPrices(
                request(tariff="tariffs/none", import_price_per_kwh=series)
            )
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_tariffs_and_assignments_are_told_as_they_were_known(database_url: str) -> None:
    """A tariff gets a version, a site another tariff: both as before, and then as deleted."""
    async with metering_world(database_url) as world:
        plain, other = _tariff(), tariff_pb2.Tariff(name="tariffs/other", currency_code="EUR")
        for each in (plain, other):
            await world.sites.CreateTariff(site_service_pb2.CreateTariffRequest(tariff=each))
        site = site_pb2.Site(name="sites/home-1", time_zone="UTC", currency_code="EUR", tariff=NAME)
        await world.sites.CreateSite(site_service_pb2.CreateSiteRequest(site=site))
        world.clock.advance(HOUR)
        changed, moved = _tariff(), site_pb2.Site()
        changed.versions.add(start_time=timestamp_to_proto(NOON + HOUR)).import_rates.CopyFrom(
            tariff_pb2.EnergyRates(real_time=tariff_pb2.RealTimePrice())
        )
        await world.sites.UpdateTariff(site_service_pb2.UpdateTariffRequest(tariff=changed))
        moved.CopyFrom(site)
        moved.tariff_assignments.add(
            tariff="tariffs/other", start_time=timestamp_to_proto(NOON + HOUR)
        )
        await world.sites.UpdateSite(site_service_pb2.UpdateSiteRequest(site=moved))
        await _publish(world, NOON, [1, 2])

        def asked(known_by: datetime | None) -> site_service_pb2.GetTariffRequest:
            return site_service_pb2.GetTariffRequest(
                name=NAME,
                price_range=time_range_to_proto(AFTERNOON),
                known_by_time=None if known_by is None else timestamp_to_proto(known_by),
            )

        now = (await world.sites.GetTariff(asked(None))).tariff
        published = now.versions[0].import_rates.real_time.price_per_kwh.values
        assert list(published)[:2] == [1, 2]
        before = await world.sites.GetTariff(asked(NOON + HOUR / 2))
        assert not before.tariff.versions
        assert before.known_since_time == timestamp_to_proto(NOON)
        assert not (await world.sites.GetTariff(asked(NOON - HOUR))).tariff.versions
        first = await world.sites.GetSite(
            site_service_pb2.GetSiteRequest(
                name=site.name, known_by_time=timestamp_to_proto(NOON + HOUR / 2)
            )
        )
        assert not first.site.tariff_assignments
        assert first.known_since_time == timestamp_to_proto(NOON)
        later = await world.sites.GetSite(site_service_pb2.GetSiteRequest(name=site.name))
        assert [each.tariff for each in later.site.tariff_assignments] == ["tariffs/other"]

        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await world.sites.DeleteTariff(
                site_service_pb2.DeleteTariffRequest(name="tariffs/other")
            )
        assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        world.clock.advance(HOUR)
        await world.sites.DeleteSite(site_service_pb2.DeleteSiteRequest(name=site.name))
        gone = await world.sites.GetSite(
            site_service_pb2.GetSiteRequest(
                name=site.name, known_by_time=timestamp_to_proto(NOON + HOUR)
            )
        )
        assert gone.site.tariff_assignments == later.site.tariff_assignments
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await world.sites.GetSite(
                site_service_pb2.GetSiteRequest(
                    name=site.name, known_by_time=timestamp_to_proto(NOON + 2 * HOUR)
                )
            )
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_tariff_in_another_currency_is_not_assigned(database_url: str) -> None:
    async with metering_world(database_url) as world:
        tariff = tariff_pb2.Tariff(name="tariffs/other", currency_code="USD")
        await world.sites.CreateTariff(site_service_pb2.CreateTariffRequest(tariff=tariff))
        site = site_pb2.Site(name="sites/home-1", time_zone="UTC", currency_code="EUR")
        site.tariff_assignments.add(tariff=tariff.name)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await world.sites.CreateSite(site_service_pb2.CreateSiteRequest(site=site))
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "CURRENCY_MISMATCH" in str(caught.value.trailing_metadata())
