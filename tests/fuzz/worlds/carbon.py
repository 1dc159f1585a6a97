"""Carbon with a zone whose intensities of two weeks are known."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import grpc
import numpy as np

from tests.fakes.planner_home import START
from tests.fuzz.contents import Seeds
from tests.fuzz.world import HOUR, World, clock_from, unary_seeds
from wattmesh.carbon.v1 import carbon_pb2 as pb
from wattmesh.carbon.v1 import carbon_pb2_grpc, footprint_pb2
from wattmesh_carbon.settings import CarbonSettings
from wattmesh_carbon.wiring import wire
from wattmesh_contracts.values import duration_to_proto, series_to_proto, time_range_to_proto
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.service import Runtime, Service

_ZONE, _HOME = "zones/de", "sites/home-1"
_CERTIFICATE = "certificates/wind-1"
_SERVICE = "wattmesh.carbon.v1.CarbonService"
_HISTORY = timedelta(days=14)


class CarbonWorld(World):
    """Nothing but a database."""

    name: ClassVar[str] = "carbon"
    services: ClassVar[tuple[str, ...]] = (_SERVICE,)

    def __init__(self, database_url: str) -> None:
        self._settings = {"database_url": database_url, "clock": clock_from(START)}

    @property
    def settings(self) -> Mapping[str, str]:
        return self._settings

    @property
    def settings_type(self) -> type[CarbonSettings]:
        return CarbonSettings

    def wire(self, settings: Any, runtime: Runtime) -> AbstractAsyncContextManager[Service]:
        return wire(settings, runtime)

    async def prepare(self, channel: grpc.aio.Channel, turn: int) -> None:
        if turn == 0:
            stub = carbon_pb2_grpc.CarbonServiceStub(channel)
            await stub.PublishAverageIntensity(_average(_published(_HISTORY)), wait_for_ready=True)
            await stub.PublishMarginalIntensity(_marginal(_published(_HISTORY)))
            past = TimeRange.of(START - timedelta(days=2), timedelta(days=1))
            await stub.RegisterCertificate(
                pb.RegisterCertificateRequest(certificate=_certificate(past))
            )

    def seeds(self, turn: int) -> Seeds:
        past = TimeRange.of(START - timedelta(days=2), timedelta(days=1))
        ahead = TimeRange.of(START, timedelta(days=1))
        energy = Series.filled(past, HOUR, 500.0)
        by_name: dict[str, Sequence[Any]] = {
            "PublishAverageIntensity": [_average(_published(timedelta(hours=3)))],
            "PublishMarginalIntensity": [_marginal(_published(timedelta(hours=3)))],
            "QueryAverageIntensity": [_spanning(pb.QueryAverageIntensityRequest, past)],
            "QueryMarginalIntensity": [_spanning(pb.QueryMarginalIntensityRequest, past)],
            "ForecastAverageIntensity": [_spanning(pb.ForecastAverageIntensityRequest, ahead)],
            "ForecastMarginalIntensity": [_spanning(pb.ForecastMarginalIntensityRequest, ahead)],
            "ComputeFootprint": [
                pb.ComputeFootprintRequest(zone=_ZONE, import_energy_wh=series_to_proto(energy))
            ],
            "FindBestWindow": [
                pb.FindBestWindowRequest(
                    zone=_ZONE,
                    range=time_range_to_proto(ahead),
                    run_duration=duration_to_proto(2 * HOUR),
                ),
                pb.FindBestWindowRequest(
                    zone=_ZONE,
                    range=time_range_to_proto(ahead),
                    energy_wh=6_000,
                    power_w=2_000,
                    interruptible=True,
                    min_stretch_duration=duration_to_proto(HOUR),
                ),
            ],
            "ComputeMatching": [
                pb.ComputeMatchingRequest(
                    consumption_energy_wh=series_to_proto(energy), subjects=[_HOME]
                )
            ],
            "ComputeAvoidedEmissions": [
                pb.ComputeAvoidedEmissionsRequest(
                    zone=_ZONE, avoided_energy_wh=series_to_proto(energy)
                )
            ],
            "PublishFactor": [pb.PublishFactorRequest(factor=_residual_mix())],
            "ListFactors": [pb.ListFactorsRequest(parent=_ZONE)],
            "RegisterCertificate": [pb.RegisterCertificateRequest(certificate=_certificate(past))],
            "GetCertificate": [pb.GetCertificateRequest(name=_CERTIFICATE)],
            "ListCertificates": [pb.ListCertificatesRequest(parent=_ZONE)],
            "RetireCertificate": [
                pb.RetireCertificateRequest(
                    name=_CERTIFICATE, retirement=_retirement(past), request_id="fuzz"
                )
            ],
        }
        return unary_seeds(_SERVICE, by_name)

    def words(self, turn: int) -> Sequence[str]:
        return (_ZONE, "zones/fr", "grid operator", _CERTIFICATE, _HOME)


@asynccontextmanager
async def open_world(database_url: str, folder: Path) -> AsyncIterator[CarbonWorld]:
    """Give carbon's surroundings."""
    yield CarbonWorld(database_url)


def _published(length: timedelta) -> Series:
    count = length // HOUR
    values = 200 + 50 * np.cos(np.arange(count) / 24 * 2 * np.pi)
    return Series(START - length, HOUR, values)


def _average(series: Series) -> pb.PublishAverageIntensityRequest:
    proto = series_to_proto(series)
    return pb.PublishAverageIntensityRequest(
        intensity=pb.AverageIntensity(zone=_ZONE, average_gco2e_per_kwh=proto, source="a")
    )


def _marginal(series: Series) -> pb.PublishMarginalIntensityRequest:
    proto = series_to_proto(series)
    return pb.PublishMarginalIntensityRequest(
        intensity=pb.MarginalIntensity(zone=_ZONE, marginal_gco2e_per_kwh=proto, source="a")
    )


def _spanning(kind: Any, span: TimeRange) -> Any:
    return kind(zone=_ZONE, range=time_range_to_proto(span), resolution=duration_to_proto(HOUR))


def _residual_mix() -> footprint_pb2.Factor:
    return footprint_pb2.Factor(
        kind=footprint_pb2.FACTOR_KIND_RESIDUAL_MIX,
        zone=_ZONE,
        year=2023,
        value=500,
        source="a",
        licence="CC0",
    )


def _certificate(span: TimeRange) -> footprint_pb2.Certificate:
    return footprint_pb2.Certificate(
        name=_CERTIFICATE,
        issuer="HKNR",
        serial_number="1",
        zone=_ZONE,
        technology="wind",
        energy_wh=1_000_000,
        generation_range=time_range_to_proto(span),
    )


def _retirement(span: TimeRange) -> footprint_pb2.Retirement:
    return footprint_pb2.Retirement(
        subject=_HOME, consumption_range=time_range_to_proto(span), energy_wh=1_000
    )
