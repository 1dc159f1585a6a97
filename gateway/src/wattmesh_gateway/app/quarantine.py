"""Shows telegrams that were set aside, and reads them again once they can be understood."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wattmesh_gateway.app.ports import Listens, Quarantine, Spool
from wattmesh_gateway.domain.intake import Intake, Origin
from wattmesh_gateway.domain.reading import Reading
from wattmesh_gateway.domain.telegram import QuarantinedTelegram, Telegram
from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.paging import page_size
from wattmesh_runtime.aio.containment import Containment

log = logging.getLogger(__name__)

USUAL_PAGE = 50
LARGEST_PAGE = 100

Listeners = Callable[[DeviceId | None], Sequence[Listens]]
"""Gives what listens to a device, or to all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuarantinePage:
    """Some of the telegrams; `next_after` is None on the last page."""

    telegrams: Sequence[QuarantinedTelegram]
    next_after: int | None


@dataclass(kw_only=True, slots=True)
class Replayed:
    """What came of reading telegrams again."""

    telegrams: int = 0
    understood: int = 0
    readings: int = 0


class QuarantinedTelegrams:
    """What was set aside, and the way back."""

    def __init__(self, quarantine: Quarantine, spool: Spool, listeners: Listeners) -> None:
        self._quarantine = quarantine
        self._spool = spool
        self._listeners = listeners
        self._contained = Containment(log, "telegrams read again")

    async def get(self, number: int) -> QuarantinedTelegram:
        """Return a telegram by its number; NotFound when it is not there, or no longer."""
        found = await self._quarantine.page(None, number - 1, 1)
        if not found or found[0].id != number:
            raise NotFound("TELEGRAM_NOT_FOUND", f"no telegram {number} is set aside")
        return found[0]

    async def page(self, device: DeviceId | None, after: int, size: int) -> QuarantinePage:
        """Return up to `size` telegrams that came after a number; a size of 0 means 50."""
        size = page_size(size, USUAL_PAGE, LARGEST_PAGE)
        found = await self._quarantine.page(device, after, size + 1)
        page = found[:size]
        return QuarantinePage(telegrams=page, next_after=page[-1].id if len(found) > size else None)

    async def replay(self, device: DeviceId | None) -> Replayed:
        """Read telegrams again; what is understood wholly leaves, with its readings on disk."""
        replayed, after = Replayed(), 0
        while page := await self._quarantine.page(device, after, LARGEST_PAGE):
            await self._replay(page, replayed)
            after = page[-1].id
        return replayed

    async def _replay(self, page: Sequence[QuarantinedTelegram], replayed: Replayed) -> None:
        readings: list[Reading] = []
        done: list[int] = []
        for each in page:
            telegrams = self._understand(each)
            for telegram in telegrams:
                readings.extend(telegram.readings)
            if telegrams and not any(telegram.problems for telegram in telegrams):
                done.append(each.id)
        replayed.telegrams += len(page)
        replayed.understood += len(done)
        replayed.readings += len(readings)
        await self._spool.append(Intake(origin=Origin.TELEGRAM, readings=readings, replayed=done))

    def _understand(self, kept: QuarantinedTelegram) -> Sequence[Telegram]:
        """Return what it says by now; nothing where a driver stumbles over it, as it did before."""
        telegrams: list[Telegram] = []
        if kept.complete:
            with self._contained.each(f"telegram {kept.id}"):
                telegrams = [
                    telegram
                    for listens in self._listeners(kept.device)
                    for telegram in listens.understand(kept.origin, kept.payload, kept.arrival)
                ]
        return telegrams
