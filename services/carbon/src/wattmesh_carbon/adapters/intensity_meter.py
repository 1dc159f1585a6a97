"""Counts what is published and read of intensities."""

from datetime import datetime, timedelta

import numpy as np

from wattmesh_carbon.app.ports import IntensityStore
from wattmesh_carbon.domain.intensity import Basis, Intensity
from wattmesh_carbon.metrics import PUBLISHED, READ
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.telemetry import Telemetry


class CountedIntensityStore:
    """A store of intensities, counted."""

    def __init__(self, store: IntensityStore, telemetry: Telemetry) -> None:
        self._store = store
        self._published = telemetry.counter(PUBLISHED)
        self._read = telemetry.counter(READ)

    async def publish(self, intensity: Intensity, publish_time: datetime) -> int:
        """Store the known intervals; an interval that is there already is replaced."""
        stored = await self._store.publish(intensity, publish_time)
        self._published.add(stored, {"wattmesh.carbon.basis": intensity.basis.value})
        return stored

    async def read(
        self,
        zone: ZoneId,
        basis: Basis,
        span: TimeRange,
        resolution: timedelta,
        as_of: datetime | None = None,
    ) -> tuple[Series, str]:
        """Return what was published over `span`, NaN where nothing was, and its newest source."""
        series, source = await self._store.read(zone, basis, span, resolution, as_of)
        known = int(np.isfinite(series.values).sum())
        for count, word in ((known, "true"), (len(series.values) - known, "false")):
            labels = {"wattmesh.carbon.basis": basis.value, "wattmesh.carbon.known": word}
            self._read.add(count, labels)
        return series, source
