"""Calls to the services behind, passed on as the bytes they are.

Nothing is decoded: what a page asks costs the dashboard a copy. Which methods a browser may call is
said here; everything else does not exist for it.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import grpc

from wattmesh_kernel.errors import Unimplemented
from wattmesh_runtime.errors import rpc_errors

SERVED: Mapping[str, tuple[str, ...]] = {
    "metering": ("wattmesh.site.v1.SiteService", "wattmesh.metering.v1.MeteringService"),
    "planner": ("wattmesh.planner.v1.PlannerService",),
    "control": (
        "wattmesh.control.v1.ControlService",
        "wattmesh.control.v1.ExecutionService",
        "wattmesh.control.v1.OperatorService",
    ),
    "forecast": ("wattmesh.forecast.v1.ForecastService",),
    "carbon": ("wattmesh.carbon.v1.CarbonService",),
    "optimizer": ("wattmesh.optimizer.v1.OptimizerService",),
    "analytics": ("wattmesh.analytics.v1.AnalyticsService", "google.longrunning.Operations"),
    "usage": ("wattmesh.usage.v1.UsageService",),
    "alerting": ("wattmesh.alert.v1.AlertService",),
}
"""What each service serves, of what pages ask; of long work they ask for analytics' alone."""
IDENTITY = "wattmesh.identity.v1.IdentityService"
"""Asked for by pages as well: served by the dashboard itself, at the door that knows who calls."""

_LOOKS = ("Get", "List", "Query", "Evaluate", "Compute", "Find", "Forecast", "Explain", "DryRun")
_ACTS = frozenset(
    {
        *("PlaceHold", "ReleaseHold", "TriggerPlan", "RunScenario"),
        *("AcknowledgeAlert", "PlaceSilence", "EndSilence"),
        *("UpdateSite", "UpdateAsset", "UpdateDevice", "UpdateTariff"),
        *("CreateAsset", "CreateDevice", "CreateTariff"),
        *("DeleteAsset", "DeleteDevice"),
        *("CreatePrincipal", "UpdatePrincipal", "DeletePrincipal", "CreateApiKey", "DeleteApiKey"),
    }
)
"""A site is never deleted from a page, nor a tariff, by which others may pay."""
_SAME_ALWAYS = frozenset({"/wattmesh.optimizer.v1.OptimizerService/ExplainPlan"})
"""Costly, and the same answer to the same question: asked once, however many look."""
_MOST_KEPT = 64


class GrpcCalls:
    """Passes on what pages ask, by the channel of the service that is asked."""

    def __init__(
        self, channels: Mapping[str, grpc.aio.Channel], identity: grpc.aio.Channel | None = None
    ) -> None:
        self._channels = {
            name: channels[service] for service, names in SERVED.items() for name in names
        }
        if identity is not None:
            self._channels[IDENTITY] = identity
        self._callables: dict[str, Any] = {}
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()

    async def call(
        self, method: str, request: bytes, metadata: Mapping[str, str], seconds: float | None
    ) -> bytes:
        """Return the answer of `package.Service/Method`."""
        path = f"/{method}"
        callable_ = self._callable(path)
        if path not in _SAME_ALWAYS:
            return await self._ask(callable_, request, metadata, seconds)
        key = hashlib.sha256(path.encode() + request).digest()
        if key not in self._kept:
            self._kept[key] = await self._ask(callable_, request, metadata, seconds)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return self._kept[key]

    async def _ask(
        self, callable_: Any, request: bytes, metadata: Mapping[str, str], seconds: float | None
    ) -> bytes:
        with rpc_errors():
            answer: bytes = await callable_(
                request, metadata=tuple(metadata.items()), timeout=seconds, wait_for_ready=False
            )
        return answer

    def _callable(self, path: str) -> Any:
        if path not in self._callables:
            service, _, method = path[1:].partition("/")
            if service not in self._channels or not _may(method):
                raise Unimplemented("METHOD_NOT_SERVED", f"{path[1:]} is not served to browsers")
            self._callables[path] = self._channels[service].unary_unary(path)
        return self._callables[path]


def _may(method: str) -> bool:
    """Return whether pages call a method; a method nobody has is for its service to refuse."""
    return method.isascii() and method.isalnum() and (method.startswith(_LOOKS) or method in _ACTS)
