"""What changes about charging sessions and needs, from usage's stream."""

import logging
from collections.abc import AsyncIterator

import grpc

from wattmesh.usage.v1 import charging_pb2, usage_service_pb2, usage_service_pb2_grpc
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.losses import LossLog
from wattmesh_runtime.errors import rpc_errors

_log = logging.getLogger(__name__)

_EVERYWHERE = "sites/-/assets/-"


class GrpcUsageChanges:
    """Follows usage, and again whenever the stream breaks."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = usage_service_pb2_grpc.UsageServiceStub(channel)
        self._loss = LossLog(_log, "the stream of usage")
        self._open: set[str] = set()
        self._asked: dict[str, bytes] = {}

    async def sites(self) -> AsyncIterator[SiteId]:
        """Yield the site of each vehicle that comes, and of each need that is new or another."""
        backoff = Backoff(most_seconds=5.0)
        while True:
            try:
                with rpc_errors():
                    request = usage_service_pb2.WatchUsageRequest(parent=_EVERYWHERE)
                    async for changes in self._stub.WatchUsage(request):
                        self._loss.back()
                        backoff.reset()
                        for site in self._news(changes):
                            yield site
            except WattmeshError as error:
                self._loss.lost(error)
            await backoff.wait()

    def _news(self, changes: usage_service_pb2.WatchUsageResponse) -> set[SiteId]:
        """Return where something is to be planned anew."""
        found = {_site(each.name) for each in changes.charging_needs if self._asks_anew(each)}
        return found | {_site(each.name) for each in changes.charging_sessions if self._comes(each)}

    def _comes(self, session: charging_pb2.ChargingSession) -> bool:
        if session.HasField("departure_time"):
            self._open.discard(session.name)
            return False
        known = session.name in self._open
        self._open.add(session.name)
        return not known

    def _asks_anew(self, need: charging_pb2.ChargingNeed) -> bool:
        """Return whether a need of a vehicle that is there says something that it did not."""
        if need.state != charging_pb2.CHARGING_NEED_STATE_ACTIVE:
            self._asked.pop(need.name, None)
            return False
        asked = charging_pb2.ChargingNeed()
        asked.CopyFrom(need)
        asked.etag = asked.message = ""
        said = asked.SerializeToString(deterministic=True)
        before, self._asked[need.name] = self._asked.get(need.name), said
        return said != before


def _site(name: str) -> SiteId:
    return AssetId.parse("/".join(name.split("/")[:4])).site
