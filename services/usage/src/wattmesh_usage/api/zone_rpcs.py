"""wattmesh.usage.v1.UsageService: zone schedules and occupancy."""
# ruff: noqa: N802 (the method names are those of the contract)

from wattmesh.usage.v1 import usage_service_pb2 as pb
from wattmesh_usage.api.convert_zones import (
    occupancy_from_proto,
    occupancy_merge,
    occupancy_to_proto,
    schedule_from_proto,
    schedule_merge,
    schedule_to_proto,
)
from wattmesh_usage.api.use_cases import Context, UsageUseCases, span_of
from wattmesh_usage.domain.records import Parent


class ZoneRpcs:
    """Converts, calls the use case, converts back."""

    _use: UsageUseCases

    async def CreateZoneSchedule(
        self, request: pb.CreateZoneScheduleRequest, context: Context
    ) -> pb.CreateZoneScheduleResponse:
        """Create a zone schedule."""
        given = schedule_from_proto(request.zone_schedule)
        record = await self._use.schedules.create(given, request.request_id)
        return pb.CreateZoneScheduleResponse(zone_schedule=schedule_to_proto(record))

    async def GetZoneSchedule(
        self, request: pb.GetZoneScheduleRequest, context: Context
    ) -> pb.GetZoneScheduleResponse:
        """Return a zone schedule."""
        record = await self._use.schedules.get(request.name)
        return pb.GetZoneScheduleResponse(zone_schedule=schedule_to_proto(record))

    async def ListZoneSchedules(
        self, request: pb.ListZoneSchedulesRequest, context: Context
    ) -> pb.ListZoneSchedulesResponse:
        """List zone schedules by name."""
        records, token = await self._use.schedules.list(
            Parent.parse(request.parent), None, request.page_size, request.page_token
        )
        return pb.ListZoneSchedulesResponse(
            zone_schedules=map(schedule_to_proto, records), next_page_token=token
        )

    async def UpdateZoneSchedule(
        self, request: pb.UpdateZoneScheduleRequest, context: Context
    ) -> pb.UpdateZoneScheduleResponse:
        """Change a zone schedule."""
        given = request.zone_schedule
        merge = schedule_merge(given, request.update_mask.paths)
        record = await self._use.schedules.update(
            given.name, merge, etag=given.etag, allow_missing=request.allow_missing
        )
        return pb.UpdateZoneScheduleResponse(zone_schedule=schedule_to_proto(record))

    async def DeleteZoneSchedule(
        self, request: pb.DeleteZoneScheduleRequest, context: Context
    ) -> pb.DeleteZoneScheduleResponse:
        """Delete a zone schedule."""
        await self._use.schedules.delete(
            request.name, etag=request.etag, allow_missing=request.allow_missing
        )
        return pb.DeleteZoneScheduleResponse()

    async def CreateOccupancy(
        self, request: pb.CreateOccupancyRequest, context: Context
    ) -> pb.CreateOccupancyResponse:
        """Create an occupancy."""
        given = occupancy_from_proto(request.occupancy)
        record = await self._use.occupancies.create(given, request.request_id)
        return pb.CreateOccupancyResponse(occupancy=occupancy_to_proto(record))

    async def GetOccupancy(
        self, request: pb.GetOccupancyRequest, context: Context
    ) -> pb.GetOccupancyResponse:
        """Return an occupancy."""
        record = await self._use.occupancies.get(request.name)
        return pb.GetOccupancyResponse(occupancy=occupancy_to_proto(record))

    async def ListOccupancies(
        self, request: pb.ListOccupanciesRequest, context: Context
    ) -> pb.ListOccupanciesResponse:
        """List occupancies by start."""
        records, token = await self._use.occupancies.list(
            Parent.parse(request.parent),
            span_of(request),
            request.page_size,
            request.page_token,
        )
        return pb.ListOccupanciesResponse(
            occupancies=map(occupancy_to_proto, records), next_page_token=token
        )

    async def UpdateOccupancy(
        self, request: pb.UpdateOccupancyRequest, context: Context
    ) -> pb.UpdateOccupancyResponse:
        """Change an occupancy."""
        given = request.occupancy
        merge = occupancy_merge(given, request.update_mask.paths)
        record = await self._use.occupancies.update(
            given.name, merge, etag=given.etag, allow_missing=request.allow_missing
        )
        return pb.UpdateOccupancyResponse(occupancy=occupancy_to_proto(record))

    async def DeleteOccupancy(
        self, request: pb.DeleteOccupancyRequest, context: Context
    ) -> pb.DeleteOccupancyResponse:
        """Delete an occupancy."""
        await self._use.occupancies.delete(
            request.name, etag=request.etag, allow_missing=request.allow_missing
        )
        return pb.DeleteOccupancyResponse()
