"""Keep the limits that the site model says of groups and nodes: feeders, transformers, fuses."""

import asyncio
import logging
from datetime import timedelta

from wattmesh_control.app.change_limits import new_limit_id
from wattmesh_control.app.devices import Devices
from wattmesh_control.app.ports import LimitArchive
from wattmesh_control.app.shards import Shards
from wattmesh_control.app.share_limits import ShareLimits
from wattmesh_control.domain.bearing import Bearing
from wattmesh_control.domain.limits import Limit
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_runtime.aio.losses import AWAY_OR_FULL, LossLog

log = logging.getLogger(__name__)

OWNER = "site-model"
"""Who limits what a group exchanges, or what flows through a node."""
_LOOK_SECONDS = 2.0
"""How often it is looked whether a limit is to be put, or put anew [s of the wall]."""
_LENGTH = timedelta(days=2)
_RENEWED = timedelta(days=1)
"""What a limit lasts still when it is put anew."""


class KeepNodes:
    """Puts a limit on every group and node with one and something to steer below, and renews it.

    They are limits like an owner's, so that they are shared, listed and watched alike. Of several
    processes, the one that looks after the first device below a group or node keeps it.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        devices: Devices,
        limits: LimitArchive,
        shards: Shards,
        share: ShareLimits,
        look_seconds: float = _LOOK_SECONDS,
    ) -> None:
        self._clock = clock
        self._devices = devices
        self._limits = limits
        self._shards = shards
        self._share = share
        self._look_seconds = look_seconds
        self._some = True
        """Whether one may have a limit still, put before a restart or taken away since."""
        self._loss = LossLog(log, "the database that keeps limits of nodes")

    async def __call__(self) -> None:
        """Run for ever."""
        while True:
            try:
                if self._devices.known:
                    await self._look()
                self._loss.back()
            except AWAY_OR_FULL as error:
                self._loss.lost(error)
            await asyncio.sleep(self._look_seconds)

    async def _look(self) -> None:
        bearings = self._devices.bearings()
        if not bearings and not self._some:
            return
        self._some = bool(bearings)
        standing = {
            each.subject: each
            for each in await self._limits.shared(self._clock.now())
            if each.parent is None and each.owner == OWNER
        }
        for each in bearings:
            before = standing.pop(each.subject, None)
            if self._is_mine(each.subject) and not self._is_good(before, each):
                await self._put(each)
        for gone in standing.values():
            await self._remove(gone)

    def _is_mine(self, subject: str) -> bool:
        under = self._devices.under(subject, self._clock.now())
        return bool(under) and self._shards.holds(under[0].device)

    def _is_good(self, before: Limit | None, bearing: Bearing) -> bool:
        if before is None or before.expire_time - self._clock.now() < _RENEWED:
            return False
        stands = (before.min_power_w, before.max_power_w)
        return bearing.bounds == (*stands, before.min_phase_power_w, before.max_phase_power_w)

    async def _put(self, bearing: Bearing) -> None:
        limit = Limit(
            limit=new_limit_id(),
            subject=bearing.subject,
            owner=OWNER,
            min_power_w=bearing.min_power_w,
            max_power_w=bearing.max_power_w,
            min_phase_power_w=bearing.min_phase_power_w,
            max_phase_power_w=bearing.max_phase_power_w,
            expire_time=self._clock.now() + _LENGTH,
            reason=f"what {bearing.title} bears",
        )
        try:
            await self._share.put(limit, "")
        except AWAY_OR_FULL:
            raise
        except WattmeshError as error:
            log.error("the limit of %s is not kept: %s", bearing.subject, error)

    async def _remove(self, limit: Limit) -> None:
        """Withdraw the limit of a group or node that is no more, or has none any more."""
        under = self._devices.under(limit.subject, self._clock.now())
        if not under or self._shards.holds(under[0].device):
            await self._share.remove(limit)
