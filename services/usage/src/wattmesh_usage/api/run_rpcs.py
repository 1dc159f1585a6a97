"""wattmesh.usage.v1.UsageService: deferrable runs."""
# ruff: noqa: N802 (the method names are those of the contract)

from wattmesh.usage.v1 import usage_service_pb2 as pb
from wattmesh_usage.api.convert_runs import (
    report_from_proto,
    run_from_proto,
    run_merge,
    run_to_proto,
)
from wattmesh_usage.api.use_cases import Context, UsageUseCases, span_of
from wattmesh_usage.domain.records import Parent


class RunRpcs:
    """Converts, calls the use case, converts back."""

    _use: UsageUseCases

    async def CreateDeferrableRun(
        self, request: pb.CreateDeferrableRunRequest, context: Context
    ) -> pb.CreateDeferrableRunResponse:
        """Create a run."""
        given = run_from_proto(request.deferrable_run)
        record = await self._use.runs.create(given, request.request_id)
        return pb.CreateDeferrableRunResponse(deferrable_run=run_to_proto(record))

    async def GetDeferrableRun(
        self, request: pb.GetDeferrableRunRequest, context: Context
    ) -> pb.GetDeferrableRunResponse:
        """Return a run."""
        record = await self._use.runs.get(request.name)
        return pb.GetDeferrableRunResponse(deferrable_run=run_to_proto(record))

    async def ListDeferrableRuns(
        self, request: pb.ListDeferrableRunsRequest, context: Context
    ) -> pb.ListDeferrableRunsResponse:
        """List runs by latest end."""
        records, token = await self._use.runs.list(
            Parent.parse(request.parent),
            span_of(request),
            request.page_size,
            request.page_token,
        )
        return pb.ListDeferrableRunsResponse(
            deferrable_runs=map(run_to_proto, records), next_page_token=token
        )

    async def UpdateDeferrableRun(
        self, request: pb.UpdateDeferrableRunRequest, context: Context
    ) -> pb.UpdateDeferrableRunResponse:
        """Change a run."""
        given = request.deferrable_run
        merge = run_merge(given, request.update_mask.paths)
        record = await self._use.runs.update(
            given.name, merge, etag=given.etag, allow_missing=request.allow_missing
        )
        return pb.UpdateDeferrableRunResponse(deferrable_run=run_to_proto(record))

    async def DeleteDeferrableRun(
        self, request: pb.DeleteDeferrableRunRequest, context: Context
    ) -> pb.DeleteDeferrableRunResponse:
        """Withdraw a run; it stays as cancelled."""
        await self._use.runs.delete(
            request.name, etag=request.etag, allow_missing=request.allow_missing
        )
        return pb.DeleteDeferrableRunResponse()

    async def ReportDeferrableRun(
        self, request: pb.ReportDeferrableRunRequest, context: Context
    ) -> pb.ReportDeferrableRunResponse:
        """Take what is planned for a run and metered of it."""
        record = await self._use.runs.report(request.name, report_from_proto(request))
        return pb.ReportDeferrableRunResponse(deferrable_run=run_to_proto(record))
