"""The newest readings of devices, as a test sets them."""

from collections.abc import Mapping, Sequence

from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import DeviceId, PointId
from wattmesh_planner.domain.kinds.kind import Reading


class FakeStateMeter:
    """Knows a state of charge by device; `default` is that of all others, None: none."""

    def __init__(self, default: Reading | None) -> None:
        self.default = default
        self.by_device: dict[DeviceId, Reading | None] = {}
        self.away = False
        self.asked: list[Sequence[PointId]] = []

    async def latest(self, points: Sequence[PointId]) -> Mapping[PointId, Reading]:
        self.asked.append(points)
        if self.away:
            raise Unavailable("GONE", "no metering")
        found = {point: self.by_device.get(point.device, self.default) for point in points}
        return {point: reading for point, reading in found.items() if reading is not None}
