"""wattmesh.alert.v1.AlertService: converts, calls the use case, converts back."""
# ruff: noqa: N802 (the method names are those of the contract)

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, TypeAlias, TypeVar

import grpc

from wattmesh.alert.v1 import alert_service_pb2 as pb
from wattmesh.alert.v1 import alert_service_pb2_grpc
from wattmesh_alerting.api.convert import (
    RULES_TO_PROTO,
    alert_to_proto,
    expire_time_from_proto,
    query_from_proto,
    rule_to_proto,
    rules_from_proto,
    silence_to_proto,
    site_from_proto,
)
from wattmesh_alerting.app.ask_alerts import AskAlerts
from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.paging import page_size

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
T = TypeVar("T")


class AlertServicer(alert_service_pb2_grpc.AlertServiceServicer):
    """Serves AlertService."""

    def __init__(self, ask: AskAlerts) -> None:
        self._ask = ask

    async def GetAlert(self, request: pb.GetAlertRequest, context: Context) -> pb.GetAlertResponse:
        """Return one alert."""
        return pb.GetAlertResponse(alert=alert_to_proto(await self._ask.get(request.name)))

    async def ListAlerts(
        self, request: pb.ListAlertsRequest, context: Context
    ) -> pb.ListAlertsResponse:
        """List alerts, newest first."""
        alerts, token = await self._ask.page(
            query_from_proto(request), request.page_size, request.page_token
        )
        return pb.ListAlertsResponse(alerts=map(alert_to_proto, alerts), next_page_token=token)

    async def WatchAlerts(
        self, request: pb.WatchAlertsRequest, context: Context
    ) -> AsyncIterator[pb.WatchAlertsResponse]:
        """Stream what fires, then every change."""
        async with aclosing(self._ask.watch(site_from_proto(request.parent))) as alerts:
            async for told in alerts:
                alert = None if told is None else alert_to_proto(told)
                yield pb.WatchAlertsResponse(alert=alert)

    async def AcknowledgeAlert(
        self, request: pb.AcknowledgeAlertRequest, context: Context
    ) -> pb.AcknowledgeAlertResponse:
        """Take note that somebody took an alert on."""
        told = await self._ask.acknowledge(request.name, request.owner, request.note)
        return pb.AcknowledgeAlertResponse(alert=alert_to_proto(told))

    async def PlaceSilence(
        self, request: pb.PlaceSilenceRequest, context: Context
    ) -> pb.PlaceSilenceResponse:
        """Have alerts notify nobody for a while."""
        given = request.silence
        silence = await self._ask.silence(
            request_id=request.request_id,
            subject=given.subject,
            rules=rules_from_proto(given.rules),
            owner=given.owner,
            reason=given.reason,
            until=expire_time_from_proto(given),
        )
        return pb.PlaceSilenceResponse(silence=silence_to_proto(silence))

    async def GetSilence(
        self, request: pb.GetSilenceRequest, context: Context
    ) -> pb.GetSilenceResponse:
        """Return one silence."""
        silence = await self._ask.get_silence(request.name)
        return pb.GetSilenceResponse(silence=silence_to_proto(silence))

    async def ListSilences(
        self, request: pb.ListSilencesRequest, context: Context
    ) -> pb.ListSilencesResponse:
        """List silences that have not ended, newest first."""
        _no_parent(request.parent)
        page, token = _page(await self._ask.silences(), request.page_size, request.page_token)
        return pb.ListSilencesResponse(silences=map(silence_to_proto, page), next_page_token=token)

    async def EndSilence(
        self, request: pb.EndSilenceRequest, context: Context
    ) -> pb.EndSilenceResponse:
        """End a silence."""
        await self._ask.end_silence(request.name)
        return pb.EndSilenceResponse()

    async def ListAlertRules(
        self, request: pb.ListAlertRulesRequest, context: Context
    ) -> pb.ListAlertRulesResponse:
        """List all rules."""
        _no_parent(request.parent)
        rules = sorted(RULES_TO_PROTO, key=lambda rule: RULES_TO_PROTO[rule])
        page, token = _page(rules, request.page_size, request.page_token)
        return pb.ListAlertRulesResponse(rules=map(rule_to_proto, page), next_page_token=token)


def _no_parent(parent: str) -> None:
    require(not parent, "INVALID_PARENT", "what is listed has no parent", "parent")


def _page(items: Sequence[T], size: int, token: str) -> tuple[Sequence[T], str]:
    """Return a page of a short list by its place, and the token of the next."""
    count = page_size(size)
    if token and not token.isdigit():
        raise InvalidArgument(
            "INVALID_PAGE_TOKEN", "not a page token of this list", field="page_token"
        )
    first = int(token or 0)
    end = first + count
    return items[first:end], str(end) if end < len(items) else ""
