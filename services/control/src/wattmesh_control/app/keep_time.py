"""Act when something falls due: a setpoint begins, a wish or limit ends, a lease runs out."""

import logging
from collections.abc import Collection
from datetime import datetime, timedelta

from wattmesh_control.app.changes import Announce
from wattmesh_control.app.ports import Agenda, Ledger
from wattmesh_control.app.reconcile import Reconcile
from wattmesh_control.app.wake import Wake
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import DeviceId

log = logging.getLogger(__name__)


class ReconcileNow:
    """Reconciles devices in a transaction of its own."""

    def __init__(self, ledger: Ledger, reconcile: Reconcile, announce: Announce) -> None:
        self._ledger = ledger
        self._reconcile = reconcile
        self._announce = announce

    async def __call__(self, devices: Collection[DeviceId]) -> None:
        """Make what the devices were told agree with who goes first. Error: Unavailable."""
        if not devices:
            return
        async with self._ledger.transaction() as books:
            changes = await self._reconcile(books, devices)
        self._announce(changes, agenda=False)


class KeepTime:
    """The timekeeper: sleeps until the next instant of the agenda, which is in the database.

    It starts with everything that is active, so that a restart goes on where control was.
    """

    def __init__(
        self, *, clock: Clock, agenda: Agenda, reconcile_now: ReconcileNow, wake: Wake
    ) -> None:
        self._clock = clock
        self._agenda = agenda
        self._reconcile_now = reconcile_now
        self._wake = wake

    async def __call__(self) -> None:
        """Run for ever; while the database is away, try again every second of the wall."""
        done: datetime | None = None
        away = False
        while True:
            try:
                done = await self._act(done)
                self._wake.clear()
                following = await self._agenda.next(done)
            except Unavailable as error:
                if not away:
                    log.warning("commands wait: %s", error)
                away = True
                await self._clock.sleep(timedelta(seconds=self._clock.rate))
                continue
            if away:
                log.info("commands go on")
            away = False
            await self._wake.wait(following)

    async def _act(self, done: datetime | None) -> datetime:
        """Do what fell due since `done`, or all there is; return until when it is done."""
        now = self._clock.now()
        if done is None:
            devices = await self._agenda.active(now)
        else:
            devices = await self._agenda.due(done, now)
        await self._reconcile_now(devices)
        return now
