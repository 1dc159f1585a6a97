"""Builds the dashboard out of its parts."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from wattmesh.dashboard.v1 import dashboard_service_pb2, dashboard_service_pb2_grpc
from wattmesh.identity.v1 import identity_service_pb2_grpc
from wattmesh_dashboard.adapters.calls import IDENTITY, SERVED, GrpcCalls
from wattmesh_dashboard.adapters.exchange import GrpcExchange
from wattmesh_dashboard.adapters.feeds import Feeds
from wattmesh_dashboard.adapters.principals_file import PrincipalsFile
from wattmesh_dashboard.api.encode import LiveEncoder
from wattmesh_dashboard.api.identity_convert import user_from_proto, user_to_proto
from wattmesh_dashboard.api.identity_servicer import IdentityServicer
from wattmesh_dashboard.api.live_messages import LiveMessages
from wattmesh_dashboard.api.questions import Questions
from wattmesh_dashboard.api.servicer import DashboardServicer
from wattmesh_dashboard.api.sessions import sessions_of
from wattmesh_dashboard.api.web import Web
from wattmesh_dashboard.app.follow_model import FollowModel
from wattmesh_dashboard.app.live import LivePicture
from wattmesh_dashboard.app.manage_users import ManageUsers
from wattmesh_dashboard.app.preview_change import PreviewChange
from wattmesh_dashboard.app.query_prices import QueryPrices
from wattmesh_dashboard.settings import DashboardSettings
from wattmesh_runtime.access.callers import Callers
from wattmesh_runtime.access.guard import current_identity
from wattmesh_runtime.access.roles import ROLES
from wattmesh_runtime.service import Runtime, Service
from wattmesh_runtime.web_server import WebServer
from wattmesh_sitemodel.client import SiteModelClient
from wattmesh_sitemodel.file import SiteModelFile
from wattmesh_sitemodel.tariffs import GrpcTariffs
from wattmesh_sitemodel.view import SiteModelView

_SERVICE = dashboard_service_pb2.DESCRIPTOR.services_by_name["DashboardService"]

WITHOUT: Mapping[str, str] = {
    "metering": "pages show the last known readings with their age",
    "planner": "pages show the last known plans with their age",
    "control": "pages show no commands, and nothing can be held or stopped from them",
    "forecast": "pages show no forecasts",
    "carbon": "pages show no carbon intensities",
    "optimizer": "pages do not say why a plan is as it is",
    "analytics": "pages show no savings",
    "usage": "pages show no charging sessions",
    "alerting": "pages show no alerts",
}
"""What people see without each service: pages are always served."""


@asynccontextmanager
async def wire(settings: DashboardSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Give the dashboard, ready to serve."""
    targets: dict[str, str] = {name: getattr(settings, f"{name}_target") for name in SERVED}
    channels = {name: runtime.channel(target) for name, target in targets.items()}
    view, file = SiteModelView(runtime.clock), settings.site_model_file
    follower = SiteModelClient(
        channels["metering"], view, None if file is None else SiteModelFile(file)
    )
    await follower.recall()
    picture = LivePicture(runtime.clock, view, LiveEncoder())
    feeds = Feeds(
        picture,
        view,
        metering=channels["metering"],
        planner=channels["planner"],
        control=channels["control"],
        alerting=channels["alerting"],
    )
    live = LiveMessages(picture, runtime.clock)
    tariffs = GrpcTariffs(channels["metering"])
    asked = Questions(
        prices=QueryPrices(view, tariffs),
        preview=PreviewChange(view, tariffs, GrpcExchange(channels["metering"])),
    )
    sessions = sessions_of(settings.session_file)
    identity = None if (own := settings.identity_target) is None else runtime.channel(own)
    calls, callers = GrpcCalls(channels, identity), Callers(settings)
    web = Web(calls, live, asked, settings.bundle_folder, sessions, callers)
    add = dashboard_service_pb2_grpc.add_DashboardServiceServicer_to_server
    add_identity = identity_service_pb2_grpc.add_IdentityServiceServicer_to_server
    async with WebServer(web.app(), settings.web_address):
        yield Service(
            name="dashboard",
            register=(
                partial(add, DashboardServicer(live, asked, current_identity)),
                partial(add_identity, _identities(settings.principals_file)),
            ),
            service_names=(_SERVICE.full_name, IDENTITY),
            dependencies=tuple(
                runtime.peer(name, target, without=WITHOUT[name])
                for name, target in targets.items()
            ),
            tasks=(follower.run, FollowModel(view, picture).run, feeds.run),
        )


def _identities(file: Path | None) -> IdentityServicer:
    """Return who serves users; keys end by the wall's time, whatever a simulation's clock shows."""
    users = None
    if file is not None:
        kept = PrincipalsFile(file, decode=user_from_proto, encode=user_to_proto)
        users = ManageUsers(kept, ROLES, lambda: datetime.now(UTC))
    return IdentityServicer(users, ROLES, current_identity)
