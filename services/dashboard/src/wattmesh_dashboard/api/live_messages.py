"""What a watcher is told, as whole messages."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from wattmesh.dashboard.v1 import dashboard_service_pb2 as pb
from wattmesh_dashboard.api.encode import stamp
from wattmesh_dashboard.app.live import LivePicture
from wattmesh_dashboard.domain.look import Look
from wattmesh_kernel.callers import Caller
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument, PermissionDenied
from wattmesh_kernel.ids import SiteId

MOST_SHOWN = 500


class LiveMessages:
    """Puts the time onto what the picture tells."""

    def __init__(self, picture: LivePicture, clock: Clock) -> None:
        self._picture = picture
        self._clock = clock

    async def watch(self, look: Look) -> AsyncGenerator[bytes, None]:
        """Yield serialized WatchLiveResponses until the watcher leaves."""
        async with aclosing(self._picture.watch(look)) as told:
            async for content in told:
                yield stamp(self._clock) + content


def look_from_request(request: pb.WatchLiveRequest, caller: Caller | None = None) -> Look:
    """Return what is looked at, within what the caller may see; None may see all.

    Error: InvalidArgument for what is no name of a site, or too many; PermissionDenied.
    """
    if request.flow_scope not in (pb.FLOW_SCOPE_UNSPECIFIED, pb.FLOW_SCOPE_NAMED):
        raise InvalidArgument("UNKNOWN_VALUE", "no such scope", field="flow_scope")
    if len(request.flow_sites) > MOST_SHOWN:
        raise InvalidArgument("TOO_MANY_ITEMS", f"more than {MOST_SHOWN} sites", field="flow_sites")
    named = frozenset(SiteId.parse(each, "flow_sites") for each in request.flow_sites)
    asked = (request.site, *request.flow_sites)
    if caller is not None and not all(map(caller.reaches, filter(None, asked))):
        raise PermissionDenied("SITE_OUT_OF_REACH", "only one's own sites may be looked at")
    return Look(
        site=SiteId.parse(request.site, "site") if request.site else None,
        shown=named if request.flow_scope == pb.FLOW_SCOPE_NAMED else None,
        together=request.together,
        within=_within(caller),
    )


def _within(caller: Caller | None) -> frozenset[SiteId] | None:
    if caller is None or caller.sites is None:
        return None
    return frozenset(map(SiteId.parse, caller.sites))
