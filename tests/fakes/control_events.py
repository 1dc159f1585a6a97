"""Device events over a list."""

from collections.abc import Collection

from wattmesh_control.app.effect_ports import EventQuery
from wattmesh_control.domain.device_event import DeviceEvent


class FakeEventArchive:
    """EventArchive."""

    def __init__(self, *events: DeviceEvent) -> None:
        self._events = events

    async def find(self, numbers: Collection[int]) -> list[DeviceEvent]:
        return [each for each in self._events if each.number in numbers]

    async def page(self, query: EventQuery, before: int | None, size: int) -> list[DeviceEvent]:
        return [each for each in self._events if query.devices.admits(each.device)][:size]
