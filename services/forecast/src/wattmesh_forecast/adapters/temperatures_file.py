"""Temperatures by asset in a file, on their way to a training job."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from wattmesh_forecast.domain.hours import HOUR
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series


def write_temperatures(path: Path, told: Mapping[AssetId, Series]) -> None:
    """Write hourly series [°C]: an array an asset, which begins with the start (s since 1970)."""
    arrays = {
        asset.name: np.concatenate([[series.start.timestamp()], series.values])
        for asset, series in told.items()
    }
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def read_temperatures(path: Path) -> dict[AssetId, Series]:
    """Return what was written."""
    with np.load(path) as arrays:
        return {
            AssetId.parse(name): Series(
                datetime.fromtimestamp(float(values[0]), UTC), HOUR, values[1:]
            )
            for name, values in arrays.items()
        }
