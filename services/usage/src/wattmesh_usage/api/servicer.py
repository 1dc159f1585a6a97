"""wattmesh.usage.v1.UsageService: vehicles, sessions, needs; zones and runs are inherited."""
# ruff: noqa: N802 (the method names are those of the contract)

from collections.abc import AsyncIterator
from contextlib import aclosing

from wattmesh.usage.v1 import usage_service_pb2 as pb
from wattmesh.usage.v1 import usage_service_pb2_grpc
from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_usage.api.convert import (
    need_from_proto,
    need_merge,
    need_to_proto,
    session_merge,
    session_to_proto,
    vehicle_from_proto,
    vehicle_merge,
    vehicle_to_proto,
)
from wattmesh_usage.api.convert_watch import pieces_from_changes
from wattmesh_usage.api.run_rpcs import RunRpcs
from wattmesh_usage.api.use_cases import Context, UsageUseCases, span_of
from wattmesh_usage.api.zone_rpcs import ZoneRpcs
from wattmesh_usage.domain.records import Parent


class UsageServicer(ZoneRpcs, RunRpcs, usage_service_pb2_grpc.UsageServiceServicer):
    """Converts, calls the use case, converts back."""

    def __init__(self, use: UsageUseCases, clock: Clock) -> None:
        self._use = use
        self._clock = clock

    async def CreateVehicle(
        self, request: pb.CreateVehicleRequest, context: Context
    ) -> pb.CreateVehicleResponse:
        """Create a vehicle."""
        vehicle = vehicle_from_proto(request.vehicle)
        record = await self._use.vehicles.create(vehicle, request.request_id)
        return pb.CreateVehicleResponse(vehicle=vehicle_to_proto(record))

    async def GetVehicle(
        self, request: pb.GetVehicleRequest, context: Context
    ) -> pb.GetVehicleResponse:
        """Return one vehicle."""
        record = await self._use.vehicles.get(request.name)
        return pb.GetVehicleResponse(vehicle=vehicle_to_proto(record))

    async def ListVehicles(
        self, request: pb.ListVehiclesRequest, context: Context
    ) -> pb.ListVehiclesResponse:
        """List vehicles by name."""
        require(not request.parent, "INVALID_PARENT", "vehicles have no parent", "parent")
        records, token = await self._use.vehicles.list(
            Parent(), None, request.page_size, request.page_token
        )
        return pb.ListVehiclesResponse(
            vehicles=map(vehicle_to_proto, records), next_page_token=token
        )

    async def UpdateVehicle(
        self, request: pb.UpdateVehicleRequest, context: Context
    ) -> pb.UpdateVehicleResponse:
        """Change a vehicle."""
        given = request.vehicle
        merge = vehicle_merge(given, request.update_mask.paths)
        record = await self._use.vehicles.update(
            given.name, merge, etag=given.etag, allow_missing=request.allow_missing
        )
        return pb.UpdateVehicleResponse(vehicle=vehicle_to_proto(record))

    async def DeleteVehicle(
        self, request: pb.DeleteVehicleRequest, context: Context
    ) -> pb.DeleteVehicleResponse:
        """Delete a vehicle; its sessions stay."""
        await self._use.vehicles.delete(
            request.name, etag=request.etag, allow_missing=request.allow_missing
        )
        return pb.DeleteVehicleResponse()

    async def GetChargingSession(
        self, request: pb.GetChargingSessionRequest, context: Context
    ) -> pb.GetChargingSessionResponse:
        """Return one charging session."""
        record = await self._use.sessions.get(request.name)
        return pb.GetChargingSessionResponse(charging_session=session_to_proto(record))

    async def ListChargingSessions(
        self, request: pb.ListChargingSessionsRequest, context: Context
    ) -> pb.ListChargingSessionsResponse:
        """List charging sessions, newest arrival first."""
        records, token = await self._use.sessions.list(
            Parent.parse(request.parent),
            span_of(request),
            request.page_size,
            request.page_token,
        )
        return pb.ListChargingSessionsResponse(
            charging_sessions=map(session_to_proto, records), next_page_token=token
        )

    async def UpdateChargingSession(
        self, request: pb.UpdateChargingSessionRequest, context: Context
    ) -> pb.UpdateChargingSessionResponse:
        """Take what a charge point reports."""
        given = request.charging_session
        merge = session_merge(given, request.update_mask.paths)
        record = await self._use.sessions.report(
            given.name, merge, etag=given.etag, allow_missing=request.allow_missing
        )
        return pb.UpdateChargingSessionResponse(charging_session=session_to_proto(record))

    async def CreateChargingNeed(
        self, request: pb.CreateChargingNeedRequest, context: Context
    ) -> pb.CreateChargingNeedResponse:
        """Take what somebody needs."""
        need = need_from_proto(request.charging_need)
        record = await self._use.needs.create(need, request.request_id)
        return pb.CreateChargingNeedResponse(charging_need=need_to_proto(record))

    async def GetChargingNeed(
        self, request: pb.GetChargingNeedRequest, context: Context
    ) -> pb.GetChargingNeedResponse:
        """Return one charging need."""
        record = await self._use.needs.get(request.name)
        return pb.GetChargingNeedResponse(charging_need=need_to_proto(record))

    async def ListChargingNeeds(
        self, request: pb.ListChargingNeedsRequest, context: Context
    ) -> pb.ListChargingNeedsResponse:
        """List charging needs by departure."""
        records, token = await self._use.needs.list(
            Parent.parse(request.parent),
            span_of(request),
            request.page_size,
            request.page_token,
        )
        return pb.ListChargingNeedsResponse(
            charging_needs=map(need_to_proto, records), next_page_token=token
        )

    async def UpdateChargingNeed(
        self, request: pb.UpdateChargingNeedRequest, context: Context
    ) -> pb.UpdateChargingNeedResponse:
        """Change a need that is not final."""
        given = request.charging_need
        merge = need_merge(given, request.update_mask.paths)
        record = await self._use.needs.update(
            given.name, merge, etag=given.etag, allow_missing=request.allow_missing
        )
        return pb.UpdateChargingNeedResponse(charging_need=need_to_proto(record))

    async def DeleteChargingNeed(
        self, request: pb.DeleteChargingNeedRequest, context: Context
    ) -> pb.DeleteChargingNeedResponse:
        """Withdraw a need; it stays as cancelled."""
        await self._use.needs.delete(
            request.name, etag=request.etag, allow_missing=request.allow_missing
        )
        return pb.DeleteChargingNeedResponse()

    async def WatchUsage(
        self, request: pb.WatchUsageRequest, context: Context
    ) -> AsyncIterator[pb.WatchUsageResponse]:
        """Follow what is needed."""
        changes = self._use.watch.run(Parent.parse(request.parent), request.known_revision)
        async with aclosing(changes) as stream:
            async for change in stream:
                for piece in pieces_from_changes(change, self._clock.now()):
                    yield piece
