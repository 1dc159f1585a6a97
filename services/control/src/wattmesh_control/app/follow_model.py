"""Follow the site model: new devices, new limits."""

import logging
from datetime import timedelta

from wattmesh_control.app.catalog import DeviceCatalog
from wattmesh_control.app.keep_time import ReconcileNow
from wattmesh_control.app.ports import Agenda
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import WattmeshError

log = logging.getLogger(__name__)


class FollowModel:
    """Refreshes the catalogue; when anything changed, every live command is looked at again."""

    def __init__(
        self,
        *,
        clock: Clock,
        catalog: DeviceCatalog,
        agenda: Agenda,
        reconcile_now: ReconcileNow,
        interval: timedelta,
    ) -> None:
        self._clock = clock
        self._catalog = catalog
        self._agenda = agenda
        self._reconcile_now = reconcile_now
        self._interval = interval

    async def __call__(self) -> None:
        """Run for ever; while metering is away, try again every second of the wall."""
        away, seen = False, 0
        while True:
            try:
                await self._catalog.refresh()
                if self._catalog.version != seen:
                    version = self._catalog.version
                    await self._reconcile_now(await self._agenda.active(self._clock.now()))
                    seen = version
            except WattmeshError as error:
                if not away:
                    log.warning("the site model cannot be fetched: %s", error)
                away = True
                await self._clock.sleep(timedelta(seconds=self._clock.rate))
            else:
                away = False
                await self._clock.sleep(self._interval)
