"""Knows which devices answer; says a loss once, and a return once."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from wattmesh_gateway.domain.device import DeviceStatus
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import DeviceId

log = logging.getLogger(__name__)

Listener = Callable[[DeviceStatus], None]


class Reachability:
    """The status of every device of this gateway."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[DeviceId, DeviceStatus] = {}
        self._lost: set[DeviceId] = set()
        self._left_out: set[DeviceId] = set()
        self._expected: set[DeviceId] = set()
        self._listeners: list[Listener] = []

    @property
    def all(self) -> Mapping[DeviceId, DeviceStatus]:
        """Every device's status."""
        return self._known

    @property
    def settled(self) -> Sequence[DeviceStatus]:
        """The status of the devices that answered, were lost, or are left out.

        One that has yet to answer, after a start, is none of it: nobody is told that it was lost.
        """
        return [status for id_, status in self._known.items() if id_ not in self._expected]

    def on_change(self, listener: Listener) -> None:
        """Call `listener` whenever a device is lost or comes back."""
        self._listeners.append(listener)

    def expect(self, device: DeviceId) -> None:
        """Take note of a device that is talked to and has yet to answer."""
        if device not in self._known or device in self._left_out:
            self._left_out.discard(device)
            self._expected.add(device)
            self._note(device, False, "not heard of yet")

    def leave_out(self, device: DeviceId, why: str) -> None:
        """Take note of a device that this gateway cannot talk to; said once for each reason."""
        known = self._known.get(device)
        if device in self._left_out and known is not None and known.message == why:
            return
        self._lost.discard(device)
        self._left_out.add(device)
        log.warning("%s is left out: %s", device, why)
        self._change(device, False, why)

    def lost(self, device: DeviceId, why: str) -> None:
        """Take note that a device does not answer."""
        if device not in self._lost:
            self._lost.add(device)
            log.warning("%s lost: %s", device, why)
            self._change(device, False, why)

    def answered(self, device: DeviceId) -> None:
        """Take note that a device answered."""
        known = self._known.get(device)
        if known is not None and known.online:
            return
        if device in self._lost:
            self._lost.discard(device)
            log.info("%s is back", device)
        self._change(device, True, "answers")

    def keep(self, devices: Iterable[DeviceId]) -> None:
        """Forget all other devices."""
        for device in self._known.keys() - set(devices):
            del self._known[device]
            self._lost.discard(device)
            self._left_out.discard(device)
            self._expected.discard(device)

    def _change(self, device: DeviceId, online: bool, message: str) -> None:
        self._expected.discard(device)
        status = self._note(device, online, message)
        for listener in self._listeners:
            listener(status)

    def _note(self, device: DeviceId, online: bool, message: str) -> DeviceStatus:
        status = DeviceStatus(
            device=device, online=online, change_time=self._clock.now(), message=message
        )
        self._known[device] = status
        return status
