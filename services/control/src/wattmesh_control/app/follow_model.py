"""Follow the site model: new devices and gateways, new ratings, devices that are gone."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from wattmesh_control.app.keep_time import KeepTime
from wattmesh_control.app.ports import DueTimes, SiteModelStore
from wattmesh_control.app.shards import Shards
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.sites import SiteModel
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.losses import LossLog, retry
from wattmesh_sitemodel.view import SiteModelView

log = logging.getLogger(__name__)

KEEP_SECONDS = 1.0
"""How long after it was kept the model is kept again at the earliest [s of the wall]."""


class FollowModel:
    """Lets control know what is heard of the model, and looks at what is active and concerned.

    The first model is kept before anything is done by it: what control acts on it knows after a
    restart.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        heard: SiteModelView,
        view: SiteModelView,
        store: SiteModelStore,
        due_times: DueTimes,
        shards: Shards,
        keep_time: KeepTime,
    ) -> None:
        self._clock = clock
        self._heard = heard
        self._view = view
        self._store = store
        self._due_times = due_times
        self._shards = shards
        self._keep_time = keep_time
        self._loss = LossLog(log, "the database that keeps the site model")

    async def recall(self) -> None:
        """Take up the model that was known before the last stop."""
        kept = await self._store.load()
        if kept is not None:
            await self._heard.take(kept, confirmed=False)
            await self._view.take(kept, confirmed=False)

    async def __call__(self) -> None:
        """Run for ever."""
        async for update in self._heard.updates():
            before, after = self._view.model, update.model
            if not self._view.known:
                await self._retry(lambda: self._store.store(after))  # noqa: B023
            await self._view.take(after.snapshot())
            self._shards.look_again()
            changed = changed_devices(before, self._view.model)
            if changed:
                await self._retry(lambda: self._look_at(changed))  # noqa: B023

    async def keep(self) -> None:
        """Keep the model up to date in the database, for ever."""
        async for update in self._view.updates():
            await self._retry(lambda: self._store.store(update.model))  # noqa: B023
            await asyncio.sleep(KEEP_SECONDS)

    async def _look_at(self, devices: list[DeviceId]) -> None:
        self._keep_time.look_at(await self._due_times.active(self._clock.now(), devices))

    async def _retry(self, work: Callable[[], Awaitable[None]]) -> None:
        await retry(work, self._loss, Backoff(0.1, 2.0), Unavailable)


def changed_devices(before: SiteModel, after: SiteModel) -> list[DeviceId]:
    """Return the devices that, or whose assets, are new, changed or gone."""
    assets = {
        name
        for name in before.assets.keys() | after.assets.keys()
        if before.assets.get(name) != after.assets.get(name)
    }
    return [
        name
        for name in before.devices.keys() | after.devices.keys()
        if before.devices.get(name) != after.devices.get(name)
        or any(function.asset in assets for function in after.devices[name].functions)
    ]
