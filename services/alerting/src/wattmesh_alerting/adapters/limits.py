"""The limits that owners have set at control."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import grpc

from wattmesh.control.v1 import control_pb2, control_pb2_grpc
from wattmesh_alerting.domain.nearness import Bound
from wattmesh_contracts.values import datetime_from_proto
from wattmesh_kernel.errors import WattmeshError
from wattmesh_runtime.aio.losses import LossLog
from wattmesh_runtime.errors import rpc_errors

log = logging.getLogger(__name__)

_PARENT = "sites/-/devices/-"


class OwnersLimits:
    """Reads what is in force; while control is away, what was last heard and has not expired."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = control_pb2_grpc.ControlServiceStub(channel)
        self._heard: Sequence[control_pb2.Limit] = ()
        self._loss = LossLog(log, "limits set by owners")

    async def in_force(self, now: datetime) -> Mapping[str, Sequence[Bound]]:
        """Return the bounds on each subject: sites, devices and groups."""
        try:
            self._heard = await self._read()
            self._loss.back()
        except WattmeshError as error:
            self._loss.lost(error)
        found: dict[str, list[Bound]] = {}
        for limit in self._heard:
            if _holds(limit, now):
                found.setdefault(limit.subject, []).extend(_bounds(limit))
        return found

    async def _read(self) -> Sequence[control_pb2.Limit]:
        limits = list[control_pb2.Limit]()
        request = control_pb2.ListLimitsRequest(parent=_PARENT)
        while True:
            with rpc_errors():
                answer = await self._stub.ListLimits(request)
            limits += answer.limits
            request.page_token = answer.next_page_token
            if not request.page_token:
                return limits


def _holds(limit: control_pb2.Limit, now: datetime) -> bool:
    begun = not limit.HasField("start_time") or (
        datetime_from_proto(limit.start_time, "start_time") <= now
    )
    return begun and now < datetime_from_proto(limit.expire_time, "expire_time")


def _bounds(limit: control_pb2.Limit) -> Iterable[Bound]:
    whose = f"the limit of {limit.owner} ({limit.name})"
    if limit.HasField("max_power_w"):
        yield Bound(power_w=limit.max_power_w, upper=True, whose=whose)
    if limit.HasField("min_power_w"):
        yield Bound(power_w=limit.min_power_w, upper=False, whose=whose)
