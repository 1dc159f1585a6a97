"""Limits of owners, from control: followed, and kept in memory."""

import logging
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import datetime, timedelta

import grpc

from wattmesh.control.v1 import control_pb2, control_pb2_grpc
from wattmesh_contracts.values import datetime_from_proto, optional_datetime_from_proto
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import Unimplemented, WattmeshError
from wattmesh_kernel.ids import GroupId, SiteId
from wattmesh_planner.domain.owners_limits import ASKED_ELSEWHERE, OwnersLimit, bounds_w
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.losses import LossLog
from wattmesh_runtime.errors import rpc_errors
from wattmesh_sitemodel.view import SiteModelView

_log = logging.getLogger(__name__)

_ALL = "sites/-/devices/-"
_NODES = "/nodes/"


class GrpcOwnersLimits:
    """Follows the limits of sites, groups and their nodes, and again when the stream breaks."""

    def __init__(self, channel: grpc.aio.Channel, view: SiteModelView, clock: Clock) -> None:
        self._stub = control_pb2_grpc.ControlServiceStub(channel)
        self._view = view
        self._clock = clock
        self._loss = LossLog(_log, "the stream of owners' limits")
        self._lost_since: datetime | None = None
        self._limits: dict[str, OwnersLimit] = {}
        self._standing: set[str] = set()
        """Those of a snapshot that is being told."""

    async def sites(self) -> AsyncIterator[SiteId]:
        """Yield each site that is limited otherwise than before, for ever."""
        backoff = Backoff(most_seconds=5.0)
        while True:
            try:
                with rpc_errors():
                    request = control_pb2.WatchLimitsRequest(parent=_ALL)
                    async for news in self._stub.WatchLimits(request):
                        self._loss.back()
                        backoff.reset()
                        self._lost_since = None
                        for site in self._take(news):
                            yield site
            except Unimplemented as error:  # a control that is older than its stream of limits
                self._loss.lost(error)
            except WattmeshError as error:
                self._loss.lost(error)
                self._lost_since = self._lost_since or self._clock.now()
            self._standing.clear()
            await backoff.wait()

    def of(self, subjects: Collection[str]) -> Sequence[OwnersLimit]:
        """Return the limits, not over yet, of sites or groups."""
        return [each for each in self._limits.values() if each.subject in subjects]

    def lost_for(self) -> timedelta | None:
        """Return for how long nobody has told anything; None: what is known is up to date."""
        return None if self._lost_since is None else self._clock.now() - self._lost_since

    def _take(self, news: control_pb2.WatchLimitsResponse) -> set[SiteId]:
        """Keep what is told; return the sites that are limited otherwise now."""
        before = dict(self._limits)
        found = [limit for each in news.limits if (limit := _limit(each)) is not None]
        self._limits |= {each.name: each for each in found}
        gone = set(news.ended_names)
        if news.snapshot:
            self._standing |= {each.name for each in found}
            if news.complete:
                gone |= self._limits.keys() - self._standing
                self._standing.clear()
        for name in gone:
            self._limits.pop(name, None)
        names = before.keys() | self._limits.keys()
        changed = [name for name in names if before.get(name) != self._limits.get(name)]
        subjects = {
            each.subject
            for name in changed
            for each in (before.get(name), self._limits.get(name))
            if each is not None
        }
        return {site for subject in subjects for site in self._sites_of(subject)}

    def _sites_of(self, subject: str) -> Iterable[SiteId]:
        if subject.startswith("groups/"):
            group = self._view.model.groups.get(GroupId.parse(subject))
            return () if group is None else group.sites[:1]
        return (SiteId.parse(subject),)


def _limit(proto: control_pb2.Limit) -> OwnersLimit | None:
    """Return a limit that plans keep; None: it is of a device, or known from elsewhere."""
    subject, _, node = proto.subject.partition(_NODES)
    if proto.owner in ASKED_ELSEWHERE or subject.count("/") > 1:
        return None
    imports, exports = bounds_w(
        proto.min_power_w if proto.HasField("min_power_w") else None,
        proto.max_power_w if proto.HasField("max_power_w") else None,
    )
    phase_imports, phase_exports = bounds_w(
        proto.min_phase_power_w if proto.HasField("min_phase_power_w") else None,
        proto.max_phase_power_w if proto.HasField("max_phase_power_w") else None,
    )
    return OwnersLimit(
        name=proto.name,
        subject=subject,
        node=node,
        start=optional_datetime_from_proto(
            proto.start_time, present=proto.HasField("start_time"), field="start_time"
        ),
        end=datetime_from_proto(proto.expire_time, "expire_time"),
        max_import_w=imports,
        max_export_w=exports,
        max_phase_import_w=phase_imports,
        max_phase_export_w=phase_exports,
    )
