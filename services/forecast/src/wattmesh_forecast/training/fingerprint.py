"""The key under which a training is kept."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from wattmesh_forecast.domain.hours import AssetHours
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.training.config import TrainingConfig
from wattmesh_forecast.training.load_config import LoadConfig
from wattmesh_kernel.ids import AssetId

DESIGN = 2
"""To be raised when patterns, features or network change."""


def fingerprint(
    kind: Kind, past: Mapping[AssetId, AssetHours], config: TrainingConfig | LoadConfig
) -> str:
    """Return a digest of everything that goes into a training.

    Power counts to the tenth of a watt, so that the last digits of an energy register, which may
    depend on where a query began, do not.
    """
    settings = {"design": DESIGN, "kind": kind.value, "config": asdict(config)}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for asset, hours in sorted(past.items()):
        digest.update(f"{asset.name} {hours.start.isoformat()}".encode())
        digest.update(np.round(hours.power_w, 1).tobytes())
        digest.update(hours.clock.offset_hours.tobytes())
        digest.update(hours.clock.holiday.tobytes())
        if hours.temperature_celsius is not None:
            digest.update(np.round(hours.temperature_celsius, 1).tobytes())
        if hours.sun is not None:
            digest.update(np.round(hours.sun.clear_sky_w_m2, 1).tobytes())
    return digest.hexdigest()
