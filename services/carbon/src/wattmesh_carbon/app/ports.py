"""What carbon needs from outside."""

from datetime import datetime, timedelta
from typing import Protocol

from wattmesh_carbon.domain.intensity import Basis, Intensity
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange


class IntensityStore(Protocol):
    """Where published intensities are kept."""

    async def publish(self, intensity: Intensity, publish_time: datetime) -> int:
        """Store the known intervals; an interval that is there already is replaced."""

    async def read(
        self, zone: ZoneId, basis: Basis, span: TimeRange, resolution: timedelta
    ) -> tuple[Series, str]:
        """Return what was published over `span`, NaN where nothing was, and its newest source."""
