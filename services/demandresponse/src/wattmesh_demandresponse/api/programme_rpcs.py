"""wattmesh.demandresponse.v1.DemandResponseService: programmes and enrolments."""
# ruff: noqa: N802 (the method names are those of the contract)

from wattmesh.demandresponse.v1 import demand_response_service_pb2 as pb
from wattmesh_demandresponse.api.convert_programmes import (
    enrolment_from_proto,
    enrolment_merge,
    enrolment_to_proto,
    programme_from_proto,
    programme_merge,
    programme_to_proto,
)
from wattmesh_demandresponse.api.use_cases import Context, UseCases
from wattmesh_demandresponse.app.ports import Query
from wattmesh_demandresponse.domain.records import Parent
from wattmesh_kernel.checks import require


class ProgrammeRpcs:
    """Converts, calls the use case, converts back."""

    _use: UseCases

    async def CreateProgramme(
        self, request: pb.CreateProgrammeRequest, context: Context
    ) -> pb.CreateProgrammeResponse:
        """Create a programme."""
        given = programme_from_proto(request.programme)
        record = await self._use.programmes.create(given, request.request_id)
        return pb.CreateProgrammeResponse(programme=programme_to_proto(record))

    async def GetProgramme(
        self, request: pb.GetProgrammeRequest, context: Context
    ) -> pb.GetProgrammeResponse:
        """Return a programme."""
        record = await self._use.programmes.get(request.name)
        return pb.GetProgrammeResponse(programme=programme_to_proto(record))

    async def ListProgrammes(
        self, request: pb.ListProgrammesRequest, context: Context
    ) -> pb.ListProgrammesResponse:
        """List programmes by name."""
        require(not request.parent, "INVALID_PARENT", "programmes have no parent", "parent")
        records, token = await self._use.programmes.list(
            Query(), request.page_size, request.page_token
        )
        return pb.ListProgrammesResponse(
            programmes=map(programme_to_proto, records), next_page_token=token
        )

    async def UpdateProgramme(
        self, request: pb.UpdateProgrammeRequest, context: Context
    ) -> pb.UpdateProgrammeResponse:
        """Change a programme."""
        given = request.programme
        record = await self._use.programmes.update(
            given.name,
            programme_merge(given, request.update_mask.paths),
            etag=given.etag,
            allow_missing=request.allow_missing,
        )
        return pb.UpdateProgrammeResponse(programme=programme_to_proto(record))

    async def DeleteProgramme(
        self, request: pb.DeleteProgrammeRequest, context: Context
    ) -> pb.DeleteProgrammeResponse:
        """Delete a programme that has no events to come."""
        await self._use.programmes.delete(
            request.name, etag=request.etag, allow_missing=request.allow_missing
        )
        return pb.DeleteProgrammeResponse()

    async def CreateEnrolment(
        self, request: pb.CreateEnrolmentRequest, context: Context
    ) -> pb.CreateEnrolmentResponse:
        """Enrol a site or a group."""
        given = enrolment_from_proto(request.enrolment)
        record = await self._use.enrolments.create(given, request.request_id)
        return pb.CreateEnrolmentResponse(enrolment=enrolment_to_proto(record))

    async def GetEnrolment(
        self, request: pb.GetEnrolmentRequest, context: Context
    ) -> pb.GetEnrolmentResponse:
        """Return an enrolment."""
        record = await self._use.enrolments.get(request.name)
        return pb.GetEnrolmentResponse(enrolment=enrolment_to_proto(record))

    async def ListEnrolments(
        self, request: pb.ListEnrolmentsRequest, context: Context
    ) -> pb.ListEnrolmentsResponse:
        """List enrolments by name."""
        query = Query(parent=Parent.of_programme(request.parent), subject=request.subject)
        records, token = await self._use.enrolments.list(
            query, request.page_size, request.page_token
        )
        return pb.ListEnrolmentsResponse(
            enrolments=map(enrolment_to_proto, records), next_page_token=token
        )

    async def UpdateEnrolment(
        self, request: pb.UpdateEnrolmentRequest, context: Context
    ) -> pb.UpdateEnrolmentResponse:
        """Change an enrolment."""
        given = request.enrolment
        record = await self._use.enrolments.update(
            given.name,
            enrolment_merge(given, request.update_mask.paths),
            etag=given.etag,
            allow_missing=request.allow_missing,
        )
        return pb.UpdateEnrolmentResponse(enrolment=enrolment_to_proto(record))

    async def DeleteEnrolment(
        self, request: pb.DeleteEnrolmentRequest, context: Context
    ) -> pb.DeleteEnrolmentResponse:
        """End an enrolment now."""
        await self._use.enrolments.delete(
            request.name, etag=request.etag, allow_missing=request.allow_missing
        )
        return pb.DeleteEnrolmentResponse()
