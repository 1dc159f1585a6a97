"""A grid of 200 g/kWh."""

from datetime import timedelta

from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange


class FakeIntensities:
    """Counts the calls."""

    def __init__(self) -> None:
        self.away = False
        self.asked = 0

    async def average(self, zone: ZoneId, span: TimeRange, resolution: timedelta) -> Series:
        self.asked += 1
        if self.away:
            raise Unavailable("GONE", "no carbon service")
        return Series.filled(span, resolution, 200.0)
