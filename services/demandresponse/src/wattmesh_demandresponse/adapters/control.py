"""Limits that devices keep, placed with control."""

from collections.abc import Mapping

import grpc

from wattmesh.control.v1 import control_pb2, control_pb2_grpc
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_demandresponse.domain.site_limits import SiteLimit
from wattmesh_kernel.errors import NotFound
from wattmesh_runtime.errors import rpc_errors

OWNER = "demandresponse"
"""In whose name limits are placed: an owner has one limit a subject."""


class GrpcLimits:
    """Places and withdraws limits."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = control_pb2_grpc.ControlServiceStub(channel)

    async def placed(self) -> Mapping[str, str]:
        """Return the names of the limits that were placed from here, by subject."""
        found: dict[str, str] = {}
        request = control_pb2.ListLimitsRequest(parent="sites/-/devices/-")
        while True:
            with rpc_errors():
                answer = await self._stub.ListLimits(request)
            found |= {each.subject: each.name for each in answer.limits if each.owner == OWNER}
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    async def place(self, limit: SiteLimit) -> str:
        """Have a limit kept in place of the one before; return its name."""
        message = control_pb2.Limit(
            subject=limit.subject,
            owner=OWNER,
            min_power_w=limit.min_power_w,
            max_power_w=limit.max_power_w,
            min_phase_power_w=limit.min_phase_power_w,
            max_phase_power_w=limit.max_phase_power_w,
            start_time=timestamp_to_proto(limit.span.start),
            expire_time=timestamp_to_proto(limit.span.end),
            reason=limit.reason,
        )
        with rpc_errors():  # without a request id: what was withdrawn may be placed again
            answer = await self._stub.SetLimit(control_pb2.SetLimitRequest(limit=message))
        return answer.limit.name

    async def withdraw(self, name: str) -> None:
        """Have a limit kept no more; one that is gone already is no error."""
        try:
            with rpc_errors():
                await self._stub.DeleteLimit(control_pb2.DeleteLimitRequest(name=name))
        except NotFound:
            return
