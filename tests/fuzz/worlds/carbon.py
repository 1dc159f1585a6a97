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
from wattmesh.carbon.v1 import carbon_pb2_grpc
from wattmesh_carbon.settings import CarbonSettings
from wattmesh_carbon.wiring import wire
from wattmesh_contracts.values import duration_to_proto, series_to_proto, time_range_to_proto
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.service import Runtime, Service

_ZONE = "zones/de"
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
                )
            ],
        }
        return unary_seeds(_SERVICE, by_name)

    def words(self, turn: int) -> Sequence[str]:
        return (_ZONE, "zones/fr", "grid operator")


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
