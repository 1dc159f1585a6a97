"""Certificates, factors and revisions over the wire, on a real database."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import numpy as np
import pytest

from tests.fakes.manual_clock import ManualClock
from wattmesh.carbon.v1 import carbon_pb2 as pb
from wattmesh.carbon.v1 import carbon_pb2_grpc, footprint_pb2
from wattmesh_carbon.settings import CarbonSettings
from wattmesh_carbon.wiring import wire
from wattmesh_contracts.values import (
    duration_to_proto,
    series_to_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import error_from_rpc
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.testing import channel_for_test, serve_for_test

HOUR = timedelta(hours=1)
NOW = datetime(2024, 5, 15, tzinfo=UTC)
LAST_DAY = TimeRange(NOW - 24 * HOUR, NOW)


@dataclass
class Carbon:
    stub: Any
    clock: ManualClock

    async def publish(self, value: float) -> None:
        intensity = pb.AverageIntensity(
            zone="zones/de",
            average_gco2e_per_kwh=series_to_proto(Series.filled(LAST_DAY, HOUR, value)),
            source="grid operator",
        )
        await self.stub.PublishAverageIntensity(
            pb.PublishAverageIntensityRequest(intensity=intensity)
        )

    async def retire(self, wh: float, request_id: str, subject: str = "sites/home-1") -> Any:
        retirement = footprint_pb2.Retirement(
            subject=subject, consumption_range=time_range_to_proto(LAST_DAY), energy_wh=wh
        )
        return await self.stub.RetireCertificate(
            pb.RetireCertificateRequest(
                name="certificates/wind-1", retirement=retirement, request_id=request_id
            )
        )


@pytest.fixture
async def carbon(database_url: str) -> AsyncIterator[Carbon]:
    settings, clock = CarbonSettings(database_url=database_url), ManualClock(NOW)
    async with (
        Runtime(settings, clock, Telemetry("test")) as runtime,
        wire(settings, runtime) as service,
        serve_for_test(*service.register) as target,
        channel_for_test(target) as channel,
    ):
        yield Carbon(carbon_pb2_grpc.CarbonServiceStub(channel), clock)


def certificate(name: str = "wind-1", number: str = "1", wh: float = 1_000.0) -> Any:
    return pb.RegisterCertificateRequest(
        certificate=footprint_pb2.Certificate(
            name=f"certificates/{name}",
            issuer="HKNR",
            serial_number=number,
            zone="zones/de",
            technology="wind",
            energy_wh=wh,
            generation_range=time_range_to_proto(TimeRange.of(LAST_DAY.start, HOUR)),
        )
    )


async def reason_of(call: Any) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return error_from_rpc(caught.value).reason


async def test_ten_at_once_cannot_spend_a_certificate_twice(carbon: Carbon) -> None:
    await carbon.stub.RegisterCertificate(certificate())
    tries = [carbon.retire(300, f"r-{each}", f"sites/home-{each}") for each in range(10)]
    answers = await asyncio.gather(*tries, return_exceptions=True)

    kept = await carbon.stub.GetCertificate(pb.GetCertificateRequest(name="certificates/wind-1"))
    assert sum(not isinstance(each, BaseException) for each in answers) == 3
    assert (kept.certificate.remaining_energy_wh, len(kept.certificate.retirements)) == (100, 3)


async def test_a_repeat_spends_nothing_more_and_another_request_gets_no_old_answer(
    carbon: Carbon,
) -> None:
    await carbon.stub.RegisterCertificate(certificate())
    for _ in range(2):
        answer = await carbon.retire(300, "one")

    assert answer.certificate.remaining_energy_wh == 700
    assert await reason_of(carbon.retire(200, "one")) == "REQUEST_ID_TAKEN"
    assert await reason_of(carbon.retire(800, "two")) == "CERTIFICATE_SPENT"


async def test_a_number_of_a_registry_stands_for_one_certificate(carbon: Carbon) -> None:
    await carbon.stub.RegisterCertificate(certificate())
    await carbon.stub.RegisterCertificate(certificate())

    again = carbon.stub.RegisterCertificate(certificate(name="wind-2"))
    assert await reason_of(again) == "CERTIFICATE_EXISTS"
    changed = carbon.stub.RegisterCertificate(certificate(wh=2_000))
    assert await reason_of(changed) == "CERTIFICATE_EXISTS"


async def test_certificates_are_listed_page_by_page(carbon: Carbon) -> None:
    for each in range(3):
        await carbon.stub.RegisterCertificate(certificate(f"wind-{each}", str(each)))
    first = await carbon.stub.ListCertificates(pb.ListCertificatesRequest(page_size=2))
    rest = await carbon.stub.ListCertificates(
        pb.ListCertificatesRequest(page_size=2, page_token=first.next_page_token)
    )
    names = [each.name for page in (first, rest) for each in page.certificates]
    assert names == [f"certificates/wind-{each}" for each in range(3)]
    assert rest.next_page_token == ""


async def test_a_footprint_has_both_methods_and_says_by_which_factors(carbon: Carbon) -> None:
    await carbon.publish(200)
    await carbon.stub.PublishFactor(
        pb.PublishFactorRequest(
            factor=footprint_pb2.Factor(
                kind=footprint_pb2.FACTOR_KIND_RESIDUAL_MIX,
                zone="zones/de",
                year=2023,
                value=500,
                source="a test",
                licence="CC0",
            )
        )
    )
    await carbon.stub.RegisterCertificate(certificate(wh=6_000))
    await carbon.retire(6_000, "all")
    answer = await carbon.stub.ComputeFootprint(
        pb.ComputeFootprintRequest(
            zone="zones/de",
            import_energy_wh=series_to_proto(Series.filled(LAST_DAY, HOUR, 1_000.0)),
            subjects=["sites/home-1"],
        )
    )
    found = answer.footprint
    assert found.location_based_gco2e == answer.location_based_gco2e == pytest.approx(24 * 200)
    assert found.market_based_gco2e == pytest.approx(18 * 500)
    assert [(each.year, each.source) for each in found.factors] == [(2023, "a test")]
    assert not found.HasField("scope1_gco2e")


async def test_factors_of_fuels_come_with_the_service(carbon: Carbon) -> None:
    listed = await carbon.stub.ListFactors(pb.ListFactorsRequest(parent="zones/de"))
    assert {each.kind for each in listed.factors} == {
        footprint_pb2.FACTOR_KIND_NATURAL_GAS,
        footprint_pb2.FACTOR_KIND_DIESEL,
        footprint_pb2.FACTOR_KIND_LPG,
    }
    assert all(each.source and each.licence for each in listed.factors)


async def test_what_was_known_then_can_still_be_asked_after_a_revision(carbon: Carbon) -> None:
    await carbon.publish(100)
    carbon.clock.advance(HOUR)
    await carbon.publish(100)
    await carbon.publish(150)

    async def read(**as_of: Any) -> float:
        answer = await carbon.stub.QueryAverageIntensity(
            pb.QueryAverageIntensityRequest(
                zone="zones/de",
                range=time_range_to_proto(LAST_DAY),
                resolution=duration_to_proto(HOUR),
                **as_of,
            )
        )
        return float(answer.intensity.average_gco2e_per_kwh.values[0])

    assert await read() == 150
    assert await read(as_of_time=timestamp_to_proto(NOW)) == 100
    assert np.isnan(await read(as_of_time=timestamp_to_proto(NOW - HOUR)))


async def test_hourly_matching_and_avoided_emissions_are_answers_of_their_own(
    carbon: Carbon,
) -> None:
    await carbon.stub.RegisterCertificate(certificate(wh=3_000))
    await carbon.retire(3_000, "all")
    consumption = Series.filled(TimeRange.of(LAST_DAY.start, 2 * HOUR), HOUR, 2_000.0)
    matched = await carbon.stub.ComputeMatching(
        pb.ComputeMatchingRequest(
            consumption_energy_wh=series_to_proto(consumption), subjects=["sites/home-1"]
        )
    )
    none = await carbon.stub.ComputeAvoidedEmissions(
        pb.ComputeAvoidedEmissionsRequest(
            zone="zones/de", avoided_energy_wh=series_to_proto(consumption)
        )
    )
    assert matched.matching.hourly_matched_ratio == pytest.approx(0.5)
    assert matched.matching.excess_energy_wh == pytest.approx(1_000)
    assert (none.avoided_gco2e, none.covered_ratio) == (0, 0)


async def test_a_run_with_energy_is_put_into_the_cleanest_pieces(carbon: Carbon) -> None:
    day = 200 + 50 * np.cos(np.arange(24) / 24 * 4 * np.pi)
    intensity = pb.AverageIntensity(
        zone="zones/de",
        average_gco2e_per_kwh=series_to_proto(Series(NOW - 240 * HOUR, HOUR, np.tile(day, 10))),
        source="grid operator",
    )
    await carbon.stub.PublishAverageIntensity(
        pb.PublishAverageIntensityRequest(intensity=intensity)
    )
    answer = await carbon.stub.FindBestWindow(
        pb.FindBestWindowRequest(
            zone="zones/de",
            range=time_range_to_proto(TimeRange.of(NOW, 24 * HOUR)),
            energy_wh=8_000,
            power_w=2_000,
            interruptible=True,
            min_stretch_duration=duration_to_proto(HOUR),
        )
    )
    assert len(answer.run_ranges) == 2
    assert answer.emissions_gco2e == pytest.approx(8 * answer.average_gco2e_per_kwh)
    assert answer.emissions_gco2e < answer.immediate_emissions_gco2e
