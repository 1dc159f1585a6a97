"""The site model, read once: for a job that ends."""

import grpc

from wattmesh_kernel.clock import SystemClock
from wattmesh_runtime.aio.tasks import BackgroundTasks
from wattmesh_sitemodel.client import SiteModelClient
from wattmesh_sitemodel.view import SiteModelView

_LONGEST_WAIT_SECONDS = 60.0


async def read_site_model(metering: grpc.aio.Channel) -> SiteModelView:
    """Return the site model as it is now; Unavailable when metering stays away."""
    view = SiteModelView(SystemClock())
    async with BackgroundTasks() as background:
        background.start(SiteModelClient(metering, view).run())
        await view.wait_until(lambda model: view.known, within_seconds=_LONGEST_WAIT_SECONDS)
    return view
