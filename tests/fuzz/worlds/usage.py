"""Usage with an office's charger and zone, a vehicle, its session and what people want."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import grpc
from google.protobuf.field_mask_pb2 import FieldMask

from tests.fakes.manual_clock import ManualClock
from tests.fakes.site_model_service import FakeSiteModelService
from tests.fakes.usage_world import ASSET, CAR, NOW, SESSION, need, session, vehicle
from tests.fuzz.contents import Seeds
from tests.fuzz.world import HOUR, World, clock_from, unary_seeds
from wattmesh.site.v1 import site_service_pb2_grpc
from wattmesh.type.v1 import rating_pb2, tariff_pb2
from wattmesh.usage.v1 import run_pb2, usage_service_pb2_grpc, zone_pb2
from wattmesh.usage.v1 import usage_service_pb2 as pb
from wattmesh_contracts.values import (
    duration_to_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.sites import Site
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.service import Runtime, Service
from wattmesh_runtime.testing import serve_for_test
from wattmesh_usage.settings import UsageSettings
from wattmesh_usage.wiring import wire

_SERVICE = "wattmesh.usage.v1.UsageService"
_ZONE, _WASHER = "sites/office/assets/zone-1", "sites/office/assets/washer"
_NEED = f"{ASSET}/charging-needs/n1"
_SCHEDULE, _OCCUPANCY = f"{_ZONE}/zone-schedules/s1", f"{_ZONE}/occupancies/o1"
_RUN = f"{_WASHER}/runs/r1"
_AHEAD = TimeRange.of(NOW, 12 * HOUR)


class UsageUnderFuzz(World):
    """A site model with an office."""

    name: ClassVar[str] = "usage"
    services: ClassVar[tuple[str, ...]] = (_SERVICE,)

    def __init__(self, database_url: str, metering: str) -> None:
        self._settings = {
            "database_url": database_url,
            "metering_target": metering,
            "clock": clock_from(NOW),
        }

    @property
    def settings(self) -> Mapping[str, str]:
        return self._settings

    @property
    def settings_type(self) -> type[UsageSettings]:
        return UsageSettings

    def wire(self, settings: Any, runtime: Runtime) -> AbstractAsyncContextManager[Service]:
        return wire(settings, runtime)

    async def prepare(self, channel: grpc.aio.Channel, turn: int) -> None:
        """Have everything there again, whatever was deleted or spoiled."""
        stub = usage_service_pb2_grpc.UsageServiceStub(channel)
        for method, request in (
            ("UpdateVehicle", _update(pb.UpdateVehicleRequest(vehicle=vehicle().vehicle))),
            ("UpdateChargingSession", _session()),
            ("UpdateChargingNeed", _update(pb.UpdateChargingNeedRequest(charging_need=need("n1")))),
            (
                "UpdateZoneSchedule",
                _update(pb.UpdateZoneScheduleRequest(zone_schedule=_schedule())),
            ),
            ("UpdateOccupancy", _update(pb.UpdateOccupancyRequest(occupancy=_occupancy()))),
            ("UpdateDeferrableRun", _update(pb.UpdateDeferrableRunRequest(deferrable_run=_run()))),
        ):
            try:
                await getattr(stub, method)(request, wait_for_ready=True)
            except grpc.aio.AioRpcError as error:  # calls before may have ended it for good
                if turn == 0:
                    raise AssertionError(f"{method}: {error.details()}") from error

    def seeds(self, turn: int) -> Seeds:
        kinds: dict[str, tuple[str, Any, str]] = {
            "Vehicle": ("vehicle", vehicle().vehicle, CAR),
            "ChargingNeed": ("charging_need", need("n1"), _NEED),
            "ZoneSchedule": ("zone_schedule", _schedule(), _SCHEDULE),
            "Occupancy": ("occupancy", _occupancy(), _OCCUPANCY),
            "DeferrableRun": ("deferrable_run", _run(), _RUN),
        }
        by_name: dict[str, Sequence[Any]] = {
            "GetChargingSession": [pb.GetChargingSessionRequest(name=SESSION)],
            "ListChargingSessions": [
                pb.ListChargingSessionsRequest(parent=ASSET, range=time_range_to_proto(_AHEAD))
            ],
            "UpdateChargingSession": [_session()],
            "ReportDeferrableRun": [
                pb.ReportDeferrableRunRequest(
                    name=_RUN,
                    state=run_pb2.RUN_STATE_PLANNED,
                    planned_range=time_range_to_proto(TimeRange.of(NOW + HOUR, HOUR)),
                    report_time=timestamp_to_proto(NOW),
                )
            ],
            "WatchUsage": [pb.WatchUsageRequest(), pb.WatchUsageRequest(parent="sites/office")],
        }
        for kind, (field, value, name) in kinds.items():
            plural = "Occupancies" if kind == "Occupancy" else f"{kind}s"
            parent = "" if kind == "Vehicle" else name.rpartition("/")[0].rpartition("/")[0]
            for verb in ("Create", "Update"):
                made = getattr(pb, f"{verb}{kind}Request")(**{field: value})
                by_name[f"{verb}{kind}"] = [_update(made) if verb == "Update" else made]
            for verb in ("Get", "Delete"):
                by_name[f"{verb}{kind}"] = [getattr(pb, f"{verb}{kind}Request")(name=name)]
            listed = getattr(pb, f"List{plural}Request")
            by_name[f"List{plural}"] = [listed(parent=parent, page_size=1)]
        return unary_seeds(_SERVICE, by_name)

    def words(self, turn: int) -> Sequence[str]:
        return (ASSET, CAR, SESSION, _ZONE, _WASHER, _NEED, _SCHEDULE, _OCCUPANCY, _RUN)


@asynccontextmanager
async def open_world(database_url: str, folder: Path) -> AsyncIterator[UsageUnderFuzz]:
    """Give usage's surroundings."""
    office = Site(id=SiteId("office"), time_zone="Europe/Berlin", currency_code="EUR")
    model = FakeSiteModelService(office, clock=ManualClock(NOW))

    def register(server: grpc.aio.Server) -> None:
        site_service_pb2_grpc.add_SiteServiceServicer_to_server(model, server)

    async with serve_for_test(register) as target:
        yield UsageUnderFuzz(database_url, target)


def _update(request: Any) -> Any:
    request.allow_missing = True
    request.update_mask.CopyFrom(FieldMask())
    return request


def _session() -> pb.UpdateChargingSessionRequest:
    return pb.UpdateChargingSessionRequest(charging_session=session(SESSION), allow_missing=True)


def _schedule() -> zone_pb2.ZoneSchedule:
    return zone_pb2.ZoneSchedule(
        name=_SCHEDULE,
        range=time_range_to_proto(_AHEAD),
        periods=[
            zone_pb2.ZonePeriod(
                window=tariff_pb2.TariffWindow(),
                band=rating_pb2.ComfortBand(
                    min_temperature_celsius=20.0, max_temperature_celsius=24.0
                ),
            )
        ],
    )


def _occupancy() -> zone_pb2.Occupancy:
    return zone_pb2.Occupancy(
        name=_OCCUPANCY, range=time_range_to_proto(_AHEAD), occupancy_ratio=0.5
    )


def _run() -> run_pb2.DeferrableRun:
    return run_pb2.DeferrableRun(
        name=_RUN,
        earliest_start_time=timestamp_to_proto(NOW + HOUR),
        latest_end_time=timestamp_to_proto(NOW + 10 * HOUR),
        profile=run_pb2.RunProfile(
            resolution=duration_to_proto(timedelta(minutes=15)), powers_w=[2000.0, 500.0]
        ),
    )
