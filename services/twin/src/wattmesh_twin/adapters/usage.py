"""Usage, where drivers say what they need."""

import grpc
from google.protobuf.field_mask_pb2 import FieldMask

from wattmesh.type.v1 import rating_pb2, tariff_pb2
from wattmesh.usage.v1 import (
    charging_pb2,
    run_pb2,
    usage_service_pb2,
    usage_service_pb2_grpc,
    zone_pb2,
)
from wattmesh_contracts.values import duration_to_proto, timestamp_to_proto
from wattmesh_kernel.errors import AlreadyExists, FailedPrecondition
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors
from wattmesh_twin.domain.charger import Visit
from wattmesh_twin.domain.household import QUARTER, MachineSpec
from wattmesh_twin.domain.rooms import Band, Comfort
from wattmesh_twin.domain.vehicle import VehicleSpec


class UsageClient:
    """Requests that can all be repeated."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = usage_service_pb2_grpc.UsageServiceStub(channel)

    async def put_vehicle(self, token: str, vehicle: VehicleSpec) -> None:
        """Make a vehicle known, by its token."""
        message = charging_pb2.Vehicle(
            name=f"vehicles/{token}",
            capacity_wh=vehicle.capacity_wh,
            max_current_a=vehicle.max_current_a,
            phase_count=vehicle.phases,
            tokens=[token],
        )
        request = usage_service_pb2.UpdateVehicleRequest(
            vehicle=message, update_mask=FieldMask(paths=["*"]), allow_missing=True
        )
        with rpc_errors():
            await self._stub.UpdateVehicle(request)

    async def put_past(self, asset: AssetId, visit: Visit, charged_wh: float) -> None:
        """Make a visit known that is over."""
        name = f"{asset.name}/charging-sessions/{visit.arrival:%Y%m%dt%H%M%Sz}"
        session = charging_pb2.ChargingSession(
            name=name,
            token=visit.token,
            state=charging_pb2.CHARGING_SESSION_STATE_ENDED,
            arrival_time=timestamp_to_proto(visit.arrival),
            departure_time=timestamp_to_proto(visit.departure),
            measure_time=timestamp_to_proto(visit.departure),
            charged_energy_wh=charged_wh,
        )
        request = usage_service_pb2.UpdateChargingSessionRequest(
            charging_session=session, allow_missing=True
        )
        with rpc_errors():
            await self._stub.UpdateChargingSession(request)

    async def put_comfort(self, asset: AssetId, comfort: Comfort) -> None:
        """Say what is wanted in a room by day, and else."""
        by_day = tariff_pb2.TariffWindow(
            clock_ranges=[
                tariff_pb2.ClockRange(
                    start_minute=60 * comfort.day_hour, end_minute=60 * comfort.night_hour
                )
            ]
        )
        schedule = zone_pb2.ZoneSchedule(
            name=f"{asset.name}/zone-schedules/usual",
            display_name="As usual",
            periods=[
                zone_pb2.ZonePeriod(window=by_day, band=_band(comfort.day)),
                zone_pb2.ZonePeriod(band=_band(comfort.night)),
            ],
        )
        request = usage_service_pb2.UpdateZoneScheduleRequest(
            zone_schedule=schedule, update_mask=FieldMask(paths=["*"]), allow_missing=True
        )
        with rpc_errors():
            await self._stub.UpdateZoneSchedule(request)

    async def declare(self, asset: AssetId, visit: Visit) -> None:
        """Say until when a vehicle that has come stays, and what it needs."""
        name = f"{asset.name}/charging-needs/{visit.token}-{visit.arrival:%Y%m%dt%H%M}"
        need = charging_pb2.ChargingNeed(
            name=name,
            vehicle=f"vehicles/{visit.token}",
            arrival_time=timestamp_to_proto(visit.arrival),
            departure_time=timestamp_to_proto(visit.declared_departure or visit.departure),
            energy_wh=visit.wanted_wh,
        )
        request = usage_service_pb2.CreateChargingNeedRequest(charging_need=need, request_id=name)
        try:
            with rpc_errors():
                await self._stub.CreateChargingNeed(request)
        except (AlreadyExists, FailedPrecondition):
            return  # it was said before, or has passed meanwhile

    async def want_run(self, asset: AssetId, machine: MachineSpec, window: TimeRange) -> None:
        """Say that a run is wanted within a window."""
        name = f"{asset.name}/runs/{window.start:%Y%m%dt%H%M}"
        run = run_pb2.DeferrableRun(
            name=name,
            display_name=machine.display_name,
            earliest_start_time=timestamp_to_proto(window.start),
            latest_end_time=timestamp_to_proto(window.end),
            profile=run_pb2.RunProfile(
                resolution=duration_to_proto(QUARTER), powers_w=machine.powers_w
            ),
        )
        request = usage_service_pb2.CreateDeferrableRunRequest(deferrable_run=run, request_id=name)
        try:
            with rpc_errors():
                await self._stub.CreateDeferrableRun(request)
        except (AlreadyExists, FailedPrecondition):
            return  # it was said before, or has passed meanwhile


def _band(band: Band) -> rating_pb2.ComfortBand:
    return rating_pb2.ComfortBand(
        min_temperature_celsius=band.low_celsius, max_temperature_celsius=band.high_celsius
    )
