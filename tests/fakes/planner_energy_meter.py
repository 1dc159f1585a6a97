"""Metered energies that are the same in every hour, but for gaps that a test makes."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.billing import MeteredEnergy


class FakeEnergyMeter:
    """500 Wh into and 200 Wh out of every asset an interval; nothing in the `gaps`."""

    def __init__(self) -> None:
        self.import_wh = 500.0
        self.away = False
        self.gaps: set[datetime] = set()
        self.asked: list[tuple[tuple[AssetId, ...], TimeRange]] = []

    async def energy(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> Mapping[AssetId, MeteredEnergy]:
        self.asked.append((tuple(assets), span))
        if self.away:
            raise Unavailable("GONE", "no metering")
        there = np.array([start not in self.gaps for start in span.starts(resolution)])
        energy = MeteredEnergy(
            import_wh=Series(span.start, resolution, np.where(there, self.import_wh, np.nan)),
            export_wh=Series(span.start, resolution, np.where(there, 200.0, np.nan)),
        )
        return dict.fromkeys(assets, energy)
