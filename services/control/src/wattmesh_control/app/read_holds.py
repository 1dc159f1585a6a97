"""Get, list and watch holds, with what became of their devices."""

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wattmesh_control.app.devices import Devices
from wattmesh_control.app.gateway_links import LinkStates
from wattmesh_control.domain.controllable import ControllableDevice
from wattmesh_control.domain.hold import Hold, HoldKind
from wattmesh_control.domain.release import ReleaseState
from wattmesh_control.domain.subject import subject_of
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument, NotFound
from wattmesh_kernel.ids import DeviceId, HoldId

LOOK_SECONDS = 0.5
"""How often a watcher's holds are looked at [s of the wall]."""
HEARTBEAT_SECONDS = 10.0
"""After how long without news a watcher gets a heartbeat [s of the wall]."""
_HOLDS_A_PAGE = 100
_MOST = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldRecord:
    """A hold as it is listed; `number` grows with every one."""

    number: int
    hold: Hold


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceWord:
    """What is known of a device that is to be in its safe state.

    `pending`: it may still do as it was told; `lost`: it does not answer.
    """

    pending: bool = False
    lost: bool = False
    message: str = ""
    time: datetime | None = None


class HoldArchive(Protocol):
    """Reads holds without locks."""

    async def get(self, hold: HoldId) -> Hold | None:
        """Return a hold."""

    async def page(
        self, subject: str | None, now: datetime, before: int | None, size: int, *, ended: bool
    ) -> list[HoldRecord]:
        """Return at most `size` holds, newest first, numbered below `before`."""

    async def words(self, devices: Collection[DeviceId]) -> dict[DeviceId, DeviceWord]:
        """Return what is known of devices that are to be in their safe states."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldDevice:
    """What became of one device under a hold."""

    device: DeviceId
    state: ReleaseState
    reached: bool
    message: str
    change_time: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenHold:
    """A hold and what became of its devices, while it is in force."""

    hold: Hold
    in_force: bool
    devices: tuple[HeldDevice, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldPage:
    """Holds, newest first, and the token of the next page; empty after the last."""

    holds: list[SeenHold]
    next_page_token: str


class ReadHolds:
    """Reads what people have put before plans."""

    def __init__(
        self, *, clock: Clock, devices: Devices, archive: HoldArchive, links: LinkStates
    ) -> None:
        self._clock = clock
        self._devices = devices
        self._archive = archive
        self._links = links

    async def get(self, name: HoldId) -> SeenHold:
        """Return one hold. Error: NotFound."""
        hold = await self._archive.get(name)
        if hold is None:
            raise NotFound("HOLD_NOT_FOUND", f"there is no {name}")
        return await self._seen(hold)

    async def page(self, parent: str, page_size: int, page_token: str, *, ended: bool) -> HoldPage:
        """Return a page of holds."""
        size = min(page_size, _MOST) or _HOLDS_A_PAGE
        before = _number(page_token) if page_token else None
        subject = _parent(parent)
        found = await self._archive.page(subject, self._clock.now(), before, size + 1, ended=ended)
        token = str(found[size - 1].number) if len(found) > size else ""
        holds = [await self._seen(each.hold) for each in found[:size]]
        return HoldPage(holds=holds, next_page_token=token)

    async def watch(self, parent: str) -> AsyncIterator[SeenHold | None]:
        """Give every hold in force, then every one that has changed; None is a heartbeat."""
        subject, loop = _parent(parent), asyncio.get_running_loop()
        seen, silent_since = dict[HoldId, SeenHold](), loop.time()
        while True:
            for each in await self._changed(subject, seen):
                silent_since = loop.time()
                yield each
            if loop.time() - silent_since >= HEARTBEAT_SECONDS:
                silent_since = loop.time()
                yield None
            await asyncio.sleep(LOOK_SECONDS)

    async def _changed(self, subject: str | None, seen: dict[HoldId, SeenHold]) -> list[SeenHold]:
        """Return what has changed since `seen`, and take note of it."""
        found = await self._archive.page(subject, self._clock.now(), None, _MOST, ended=False)
        now = {each.hold.hold: await self._seen(each.hold) for each in reversed(found)}
        for name in seen.keys() - now.keys():
            now[name] = await self.get(name)
        changed = [each for name, each in now.items() if seen.get(name) != each]
        seen.clear()
        seen.update({name: each for name, each in now.items() if each.in_force})
        return changed

    async def _seen(self, hold: Hold) -> SeenHold:
        if not hold.in_force(self._clock.now()):
            return SeenHold(hold=hold, in_force=False)
        if hold.kind is HoldKind.SETPOINT:
            return SeenHold(hold=hold, in_force=True)
        return SeenHold(hold=hold, in_force=True, devices=await self._held(hold))

    async def _held(self, hold: Hold) -> tuple[HeldDevice, ...]:
        under = self._devices.under(hold.subject, self._clock.now())
        words = await self._archive.words([each.device for each in under])
        connected = await self._links.connected({each.gateway for each in under})
        return tuple(
            _held(each, words[each.device], connected=each.gateway in connected) for each in under
        )


def _held(device: ControllableDevice, word: DeviceWord, *, connected: bool) -> HeldDevice:
    message = word.message if connected else f"{device.gateway} is not connected"
    return HeldDevice(
        device=device.device,
        state=ReleaseState.PENDING if word.pending else ReleaseState.RELEASED,
        reached=connected and not word.lost,
        message=message,
        change_time=word.time,
    )


def _parent(parent: str) -> str | None:
    if not parent:
        return None
    subject_of(parent, "parent")
    return parent


def _number(page_token: str) -> int:
    if not page_token.isascii() or not page_token.isdigit():
        raise InvalidArgument("INVALID_PAGE_TOKEN", "not a token of this list", field="page_token")
    return int(page_token)
