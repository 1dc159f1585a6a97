"""A usage service on a database, its callers, and what they say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import grpc

from tests.fakes.manual_clock import ManualClock
from wattmesh.usage.v1 import charging_pb2, usage_service_pb2_grpc
from wattmesh.usage.v1 import usage_service_pb2 as pb
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_kernel.ids import SiteId
from wattmesh_runtime.database import Database
from wattmesh_runtime.errors import rpc_errors
from wattmesh_runtime.migrations import migrate
from wattmesh_runtime.testing import channel_for_test, serve_for_test
from wattmesh_usage.adapters.postgres import PostgresRecords
from wattmesh_usage.api.servicer import UsageServicer
from wattmesh_usage.wiring import use_cases

HOUR = timedelta(hours=1)
NOW = datetime(2024, 5, 6, 8, tzinfo=UTC)
ASSET = "sites/office/assets/charger-1"
SESSION = f"{ASSET}/charging-sessions/s1"
CAR = "vehicles/car"


class Berlin:
    """Every site is there."""

    def zone(self, site: SiteId) -> ZoneInfo:
        return ZoneInfo("Europe/Berlin")


class UsageWorld:
    """A usage service on a database of its own."""

    def __init__(
        self, channel: grpc.aio.Channel, records: PostgresRecords, clock: ManualClock
    ) -> None:
        self.channel = channel
        self.stub: Any = usage_service_pb2_grpc.UsageServiceStub(channel)
        self.records = records
        self.clock = clock

    async def call(self, method: str, request: Any) -> Any:
        with rpc_errors():
            return await getattr(self.stub, method)(request)

    async def report(self, name: str = SESSION, **fields: Any) -> charging_pb2.ChargingSession:
        return await self.send(session(name, **fields))

    async def send(self, report: charging_pb2.ChargingSession) -> charging_pb2.ChargingSession:
        request = pb.UpdateChargingSessionRequest(charging_session=report, allow_missing=True)
        answer = await self.call("UpdateChargingSession", request)
        return answer.charging_session  # type: ignore[no-any-return]

    async def need(self, name: str = "n1", **fields: Any) -> charging_pb2.ChargingNeed:
        request = pb.CreateChargingNeedRequest(charging_need=need(name, **fields))
        answer = await self.call("CreateChargingNeed", request)
        return answer.charging_need  # type: ignore[no-any-return]

    async def known_need(self, name: str = "n1") -> charging_pb2.ChargingNeed:
        request = pb.GetChargingNeedRequest(name=f"{ASSET}/charging-needs/{name}")
        answer = await self.call("GetChargingNeed", request)
        return answer.charging_need  # type: ignore[no-any-return]

    async def known_session(self, name: str = SESSION) -> charging_pb2.ChargingSession:
        answer = await self.call("GetChargingSession", pb.GetChargingSessionRequest(name=name))
        return answer.charging_session  # type: ignore[no-any-return]


def session(
    name: str, *, at: float = 0.0, arrival: float = 0.0, departure: float | None = None, **more: Any
) -> charging_pb2.ChargingSession:
    ended = charging_pb2.CHARGING_SESSION_STATE_ENDED
    charging = charging_pb2.CHARGING_SESSION_STATE_CHARGING
    return charging_pb2.ChargingSession(
        name=name,
        state=more.pop("state", charging if departure is None else ended),
        arrival_time=timestamp_to_proto(NOW + arrival * HOUR),
        measure_time=timestamp_to_proto(NOW + at * HOUR),
        departure_time=None if departure is None else timestamp_to_proto(NOW + departure * HOUR),
        **more,
    )


def need(
    name: str, *, until: float = 8.0, asset: str = ASSET, **more: Any
) -> charging_pb2.ChargingNeed:
    target = {} if "soc_ratio" in more else {"energy_wh": 10_000.0}
    return charging_pb2.ChargingNeed(
        name=f"{asset}/charging-needs/{name}",
        departure_time=timestamp_to_proto(NOW + until * HOUR),
        **{**target, **more},
    )


def vehicle(**more: Any) -> pb.CreateVehicleRequest:
    return pb.CreateVehicleRequest(vehicle=charging_pb2.Vehicle(name=CAR, **more))


@asynccontextmanager
async def usage_world(database_url: str) -> AsyncIterator[UsageWorld]:
    """Serve usage on a database, at NOW."""
    async with Database(database_url, "usage") as database:
        await migrate(database, "wattmesh_usage")
        records, clock = PostgresRecords(database), ManualClock(NOW)
        servicer = UsageServicer(use_cases(records, Berlin(), clock), clock)
        register = partial(usage_service_pb2_grpc.add_UsageServiceServicer_to_server, servicer)
        async with serve_for_test(register) as target, channel_for_test(target) as channel:
            yield UsageWorld(channel, records, clock)
