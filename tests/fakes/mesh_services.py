"""A few services of a mesh as a client meets them: sites in pages, plans as a stream, limits."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc

from wattmesh.control.v1 import (
    control_pb2,
    control_pb2_grpc,
    dry_run_pb2,
    hold_pb2,
    operator_pb2_grpc,
)
from wattmesh.planner.v1 import planner_pb2, planner_pb2_grpc
from wattmesh.site.v1 import site_pb2, site_service_pb2, site_service_pb2_grpc
from wattmesh_kernel.errors import InvalidArgument, NotFound, ResourceExhausted, Unavailable

# What is not overridden answers UNIMPLEMENTED; their stubs call that abstract.
_Sites: Any = site_service_pb2_grpc.SiteServiceServicer
_Plans: Any = planner_pb2_grpc.PlannerServiceServicer
_Limits: Any = control_pb2_grpc.ControlServiceServicer
_Operator: Any = operator_pb2_grpc.OperatorServiceServicer


class PagedSites(_Sites):  # type: ignore[misc]
    """Five sites, two on a page; their model as a stream that breaks after each answer."""

    def __init__(self) -> None:
        self.known_revisions: list[int] = []
        self.metadata: dict[str, Any] = {}
        self.failures = 0

    async def ListSites(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.metadata = dict(context.invocation_metadata())
        first = int(request.page_token or 0)
        names = [f"sites/home-{number}" for number in range(5)][first : first + 2]
        return site_service_pb2.ListSitesResponse(
            sites=[site_pb2.Site(name=name, time_zone="UTC") for name in names],
            next_page_token=str(first + 2) if first + 2 < 5 else "",
        )

    async def GetSite(self, request: Any, context: Any) -> Any:  # noqa: N802
        match request.name:
            case "sites/full":
                raise ResourceExhausted(
                    "TOO_BUSY", "too many calls wait", retry_after=timedelta(seconds=2)
                )
            case "sites/flaky" if self.failures < 2:
                self.failures += 1
                await context.abort(grpc.StatusCode.UNAVAILABLE, "away for a moment")
            case "sites/flaky":
                return site_service_pb2.GetSiteResponse(site=site_pb2.Site(name=request.name))
        raise NotFound("SITE_NOT_FOUND", f"there is no {request.name}", {"site": request.name})

    async def WatchSiteModel(  # noqa: N802
        self, request: Any, context: Any
    ) -> AsyncIterator[Any]:
        self.known_revisions.append(request.known_revision)
        yield site_service_pb2.WatchSiteModelResponse(revision=request.known_revision + 7)
        raise Unavailable("SERVER_STOPPING", "the server is stopping")


class StreamedPlans(_Plans):  # type: ignore[misc]
    """Refuses to be watched."""

    async def WatchPlans(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        yield planner_pb2.WatchPlansResponse(plan=planner_pb2.Plan(name="plans/a"))
        raise NotFound("SCOPE_NOT_FOUND", "there is no such scope")


class KeptLimits(_Limits):  # type: ignore[misc]
    """Keeps the ids of requests; a limit without bounds makes no sense."""

    def __init__(self) -> None:
        self.request_ids: list[str] = []

    async def SetLimit(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.request_ids.append(request.request_id)
        if not request.limit.HasField("max_power_w"):
            raise InvalidArgument("INVALID_VALUE", "a limit has a bound", field="limit.max_power_w")
        return control_pb2.SetLimitResponse(limit=request.limit)


class KeptHolds(_Operator):  # type: ignore[misc]
    """Keeps what was tried and what is held; a device takes 3 kW at most."""

    def __init__(self) -> None:
        self.tried: list[Any] = []
        self.held: list[Any] = []
        self.released: list[Any] = []

    async def DryRun(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.tried.append(request)
        asked = request.command.value
        interval = dry_run_pb2.DryRunInterval(
            device=request.command.device,
            requested_value=asked,
            value=min(asked, 3000.0),
            limited_by=["limits/fuse"] if asked > 3000.0 else [],
        )
        return dry_run_pb2.DryRunResponse(intervals=[interval])

    async def PlaceHold(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.held.append(request.hold)
        return hold_pb2.PlaceHoldResponse(hold=hold_pb2.Hold(name="holds/1"))

    async def ReleaseHold(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.released.append(request)
        return hold_pb2.ReleaseHoldResponse(hold=hold_pb2.Hold(name=request.name))
