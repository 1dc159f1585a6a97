"""The devices that the gateway talks to: opened, polled, listened to, set, let go."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from wattmesh_gateway.app.device_edge import ask
from wattmesh_gateway.app.poll_devices import PollDevices
from wattmesh_gateway.app.ports import (
    Adjusts,
    CannotSet,
    Driver,
    Listens,
    OpenedDevice,
    Reads,
    Sets,
)
from wattmesh_gateway.app.reachability import Reachability
from wattmesh_gateway.app.receive_telegrams import ReceiveTelegrams
from wattmesh_gateway.domain.device import talked_to_alike, why_not_set
from wattmesh_gateway.domain.errors import DeviceRefused, DeviceUnavailable, ProfileError
from wattmesh_gateway.domain.profile import DeviceProfile
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import AssetId, DeviceId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Device

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entry:
    """A device and how it was opened; `why` says why it was not."""

    device: Device
    opened: OpenedDevice | None = None
    why: str = ""


class Roster:
    """Follows the list of devices; one that cannot be talked to stops no other."""

    def __init__(
        self,
        drivers: Mapping[str, Driver],
        profiles: Mapping[str, DeviceProfile],
        polls: PollDevices,
        telegrams: ReceiveTelegrams,
        reachability: Reachability,
        clock: Clock,
    ) -> None:
        self._drivers = drivers
        self._profiles = profiles
        self._polls = polls
        self._telegrams = telegrams
        self._reachability = reachability
        self._clock = clock
        self._entries: dict[DeviceId, _Entry] = {}
        self._changing = False

    def may_set(self, device: DeviceId, kind: SetpointKind) -> Sets | CannotSet:
        """Return a device that is to be told a setpoint, or why it is not."""
        entry = self._entries.get(device)
        if entry is None:
            return CannotSet(why="this gateway does not talk to the device")
        if entry.opened is None:
            return CannotSet(why=f"the device is left out: {entry.why}")
        why = why_not_set(entry.device, kind, self._clock.now())
        if why is not None:
            return CannotSet(why=why)
        return entry.opened.sets or CannotSet(why="the device takes no setpoints")

    def released_by(self, device: DeviceId) -> Sets | None:
        """Return what can send a device to its safe state, whatever it controls by now."""
        entry = self._entries.get(device)
        return entry.opened.sets if entry and entry.opened else None

    def asset_of(self, device: DeviceId) -> AssetId | None:
        """Return the asset that a device is there for just now: first the one that it controls."""
        entry, now = self._entries.get(device), self._clock.now()
        functions = [each for each in entry.device.functions if each.holds(now)] if entry else []
        functions.sort(key=lambda each: not each.controls)
        return functions[0].asset if functions else None

    def adjustable(self, device: DeviceId) -> Adjusts | None:
        """Return a device that can be told often; None when it cannot, or is not known."""
        entry = self._entries.get(device)
        return entry.opened.adjusts if entry and entry.opened else None

    def readable(self, device: DeviceId) -> Reads | None:
        """Return a device that answers when it is asked; None when it does not."""
        entry = self._entries.get(device)
        return entry.opened.reads if entry and entry.opened else None

    def listened_to(self, device: DeviceId | None) -> Sequence[Listens]:
        """Return what listens to a device, or to all of them when it is None."""
        return [
            entry.opened.listens
            for id_, entry in self._entries.items()
            if device in (None, id_) and entry.opened and entry.opened.listens
        ]

    async def misses_nothing(self) -> bool:
        """Return whether nothing that the known devices say is missed any more."""
        if self._changing:
            return False
        return all([await driver.wait_ready(0) for driver in self._drivers.values()])

    async def change(self, devices: Sequence[Device]) -> None:
        """Talk to exactly these devices from now on; those that stay are left alone."""
        self._changing = True
        try:
            await self._change(devices)
        finally:
            self._changing = False

    async def _change(self, devices: Sequence[Device]) -> None:
        self._reachability.keep(device.id for device in devices)
        before, self._entries = self._entries, {}
        for device in devices:
            self._entries[device.id] = await self._entry(device, before.get(device.id))
        await self._polls.poll(
            {
                id_: (entry.device, entry.opened.reads)
                for id_, entry in self._entries.items()
                if entry.opened and entry.opened.reads
            }
        )
        self._listen(_opened(before.values()), _opened(self._entries.values()))
        self._telegrams.expect(
            entry.device
            for entry in self._entries.values()
            if entry.opened and entry.opened.listens and not entry.opened.reads
        )

    def _listen(self, before: Sequence[OpenedDevice], now: Sequence[OpenedDevice]) -> None:
        """Let go what is gone and listen to what is new, in one turn.

        Nothing is heard in between: a topic that stays is never left, and a broker that sends what
        it kept for one device finds the others listened to as well.
        """
        for opened in before:
            if not any(opened is each for each in now):
                opened.close()
        for opened in now:
            if opened.listens and not any(opened is each for each in before):
                opened.listens.begin()

    async def _entry(self, device: Device, before: _Entry | None) -> _Entry:
        if before and before.opened and talked_to_alike(before.device, device):
            return replace(before, device=device)
        try:
            opened = await self._open(device)
        except (ProfileError, DeviceRefused, DeviceUnavailable) as error:
            self._reachability.leave_out(device.id, str(error))
            return _Entry(device=device, why=str(error))
        self._reachability.expect(device.id)
        return _Entry(device=device, opened=opened)

    async def _open(self, device: Device) -> OpenedDevice:
        protocol = device.connection.protocol
        driver = self._drivers.get(protocol)
        if driver is None:
            raise ProfileError(f"no driver for {protocol!r}; there are {_names(self._drivers)}")
        profile = self._profiles.get(device.profile)
        if profile is None:
            raise ProfileError(f"no profile {device.profile!r}; there are {_names(self._profiles)}")
        if profile.protocol != protocol:
            raise ProfileError(
                f"the profile {profile.name!r} is for {profile.protocol!r}, not {protocol!r}"
            )
        return await ask(driver.open(device, profile))


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _opened(entries: Iterable[_Entry]) -> list[OpenedDevice]:
    return [entry.opened for entry in entries if entry.opened]
