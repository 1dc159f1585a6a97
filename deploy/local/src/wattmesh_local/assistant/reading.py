"""What an assistant may ask: what is there, used, planned, proven, and wrong."""

from datetime import datetime, timedelta
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from wattmesh.alert.v1 import alert_pb2, alert_service_pb2
from wattmesh.control.v1 import execution_pb2, hold_pb2
from wattmesh.metering.v1 import metering_pb2
from wattmesh.planner.v1 import planner_pb2
from wattmesh.site.v1 import site_service_pb2
from wattmesh.status.v1 import status_pb2
from wattmesh_client import AsyncWattmesh, duration, time_range

Answer = dict[str, Any]

_MOST = 200
"""Things of a kind in one answer: an assistant reads them all."""


def as_dict(message: Message) -> Answer:
    """Return a message with the names of its contract."""
    fields: Answer = MessageToDict(message, preserving_proto_field_name=True)
    return fields


class Reading:
    """The tools that change nothing."""

    def __init__(self, mesh: AsyncWattmesh) -> None:
        self._mesh = mesh

    async def now(self) -> Answer:
        """What the mesh's clock shows: all times are by it; a simulated mesh has one of its own."""
        return {"mesh_time": (await self._mesh.now()).isoformat()}

    async def list_sites(self) -> Answer:
        """Sites with their time zone, currency, tariff and carbon zone."""
        request = site_service_pb2.ListSitesRequest()
        return {"sites": await self._all(self._mesh.sites.ListSites, request)}

    async def describe_site(self, site: str) -> Answer:
        """Assets (batteries, plants, charge points, loads) and devices of `sites/home-1`."""
        assets = site_service_pb2.ListAssetsRequest(parent=site)
        devices = site_service_pb2.ListDevicesRequest(parent=site)
        return {
            "assets": await self._all(self._mesh.sites.ListAssets, assets),
            "devices": await self._all(self._mesh.sites.ListDevices, devices),
        }

    async def query_energy(
        self, assets: list[str], start: datetime, end: datetime, resolution_minutes: int = 60
    ) -> Answer:
        """Energy into and out of assets [Wh] per interval; NaN is not metered.

        `assets` as `sites/home-1/assets/grid`; `start` and `end` with their offset, on the raster
        of the resolution.
        """
        request = metering_pb2.QueryEnergyRequest(
            assets=assets,
            range=time_range(start, end),
            resolution=duration(timedelta(minutes=resolution_minutes)),
        )
        call: Any = self._mesh.metering.QueryEnergy(request)
        return as_dict(await call)

    async def list_plans(self, most: int = 10) -> Answer:
        """The newest plans: of what, for when, whether in time, and what they had to do without."""
        request = planner_pb2.ListPlansRequest(page_size=min(most, _MOST))
        call: Any = self._mesh.planner.ListPlans(request)
        return as_dict(await call)

    async def prove(self, plan: str) -> Answer:
        """What became of a plan: each setpoint told, acknowledged, read back and metered.

        `plan` as `plans/…`, from list_plans.
        """
        request = execution_pb2.GetExecutionRequest(plan=plan)
        call: Any = self._mesh.executions.GetExecution(request)
        return as_dict(await call)

    async def list_alerts(self) -> Answer:
        """Alerts that fire now, with what they are about and what helps."""
        request = alert_service_pb2.ListAlertsRequest(states=[alert_pb2.ALERT_STATE_FIRING])
        return {"alerts": await self._all(self._mesh.alerts.ListAlerts, request)}

    async def list_holds(self) -> Answer:
        """What people hold, have opted out of or stopped."""
        request = hold_pb2.ListHoldsRequest()
        return {"holds": await self._all(self._mesh.operator.ListHolds, request)}

    async def service_status(self, service: str) -> Answer:
        """Whether a service (`planner`, `metering`, …) can work, since when, and why not."""
        call: Any = self._mesh.status(service).GetStatus(status_pb2.GetStatusRequest())
        return as_dict(await call)

    async def _all(self, method: Any, request: Any) -> list[Answer]:
        found: list[Answer] = []
        async for each in self._mesh.each(method, request):
            found.append(as_dict(each))
            if len(found) == _MOST:
                break
        return found
