"""What a watcher is told, as whole messages."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from wattmesh.dashboard.v1 import dashboard_service_pb2 as pb
from wattmesh_dashboard.api.encode import stamp
from wattmesh_dashboard.app.live import LivePicture
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import SiteId


class LiveMessages:
    """Puts the time onto what the picture tells."""

    def __init__(self, picture: LivePicture, clock: Clock) -> None:
        self._picture = picture
        self._clock = clock

    async def watch(self, site: SiteId | None) -> AsyncGenerator[bytes, None]:
        """Yield serialized WatchLiveResponses until the watcher leaves."""
        async with aclosing(self._picture.watch(site)) as told:
            async for content in told:
                yield stamp(self._clock) + content


def site_from_request(request: pb.WatchLiveRequest) -> SiteId | None:
    """Return the site that is looked at; InvalidArgument when it is no name of a site."""
    return SiteId.parse(request.site, "site") if request.site else None
