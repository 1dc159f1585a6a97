"""The limits that owners have set at control."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import grpc

from wattmesh.control.v1 import control_pb2, control_pb2_grpc
from wattmesh_alerting.domain.nearness import Bound
from wattmesh_contracts.values import datetime_from_proto
from wattmesh_kernel.errors import WattmeshError
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.losses import LossLog
from wattmesh_runtime.errors import rpc_errors

log = logging.getLogger(__name__)

_PARENT = "sites/-/devices/-"


class OwnersLimits:
    """Follows all that are set; while control is away, what was last heard and has not expired."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = control_pb2_grpc.ControlServiceStub(channel)
        self._heard: dict[str, control_pb2.Limit] = {}
        self._standing: set[str] = set()
        """Those of a snapshot that is being told."""
        self._loss = LossLog(log, "limits set by owners")

    async def follow(self) -> None:
        """Keep what is told, for ever, and again whenever the stream breaks."""
        backoff = Backoff(most_seconds=5.0)
        while True:
            try:
                with rpc_errors():
                    request = control_pb2.WatchLimitsRequest(parent=_PARENT)
                    async for news in self._stub.WatchLimits(request):
                        self._loss.back()
                        backoff.reset()
                        self._take(news)
            except WattmeshError as error:
                self._loss.lost(error)
            self._standing.clear()
            await backoff.wait()

    def in_force(self, now: datetime) -> Mapping[str, Sequence[Bound]]:
        """Return the bounds on each subject: sites, devices and groups."""
        found: dict[str, list[Bound]] = {}
        for limit in self._heard.values():
            if _holds(limit, now):
                found.setdefault(limit.subject, []).extend(_bounds(limit))
        return found

    def _take(self, news: control_pb2.WatchLimitsResponse) -> None:
        self._heard |= {each.name: each for each in news.limits}
        gone = set(news.ended_names)
        if news.snapshot:
            self._standing |= {each.name for each in news.limits}
            if news.complete:
                gone |= self._heard.keys() - self._standing
                self._standing.clear()
        for name in gone:
            self._heard.pop(name, None)


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
