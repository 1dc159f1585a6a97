"""`wattmesh watch`: the mesh that runs here, in a terminal of its own."""

from datetime import datetime, timedelta

from wattmesh.alert.v1 import alert_pb2, alert_service_pb2
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.time import floor_time
from wattmesh_local.running.state import MeshState
from wattmesh_local.terminal.view import MeshApp, Seen
from wattmesh_local.watching.cells import ASCII, UTF8
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.live_view import Picture
from wattmesh_local.watching.sites import followed_site_model, watched_sites
from wattmesh_local.watching.snapshot import Observer
from wattmesh_runtime.errors import rpc_errors


async def watch_mesh(mesh: MeshState, *, ascii_only: bool) -> int:
    """Show the mesh until it is quit. Error: NotFound when none serves here."""
    state, clock = mesh.read(), mesh.clock()
    async with (
        MeshClients.of(mesh) as clients,
        followed_site_model(clients, clock) as model,
    ):
        observer = Observer(clients, model, state["processes"], _began(state, clock.now()))

        async def look() -> Seen:
            mesh.read()  # a mesh that has ended says so
            now = clock.now()
            sites = watched_sites(model.model, now)
            picture = Picture(
                snapshot=await observer.look(now),
                zone=sites[0].zone if sites else clock.now().tzinfo,  # type: ignore[arg-type]
                rate=clock.rate,
                web=f"http://{state['web']}",
            )
            return Seen(picture=picture, alerts=await _alerts(clients))

        await MeshApp(look, ASCII if ascii_only else UTF8).run_async()
    return 0


def _began(state: dict[str, str], now: datetime) -> datetime:
    """Return from when on is accounted: since the run began, else since yesterday."""
    begun = state.get("start")
    if begun is not None:
        return datetime.fromisoformat(begun)
    return floor_time(now, timedelta(hours=1)) - timedelta(days=1)


async def _alerts(clients: MeshClients) -> list[alert_pb2.Alert] | None:
    request = alert_service_pb2.ListAlertsRequest(states=[alert_pb2.ALERT_STATE_FIRING])
    try:
        with rpc_errors():
            return list((await clients.alerts.ListAlerts(request, timeout=2)).alerts)
    except WattmeshError:
        return None
