"""What rows of every table have in common."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias

from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId
from wattmesh_kernel.time import to_utc

Row: TypeAlias = tuple[Any, ...]

device_id = lru_cache(maxsize=100_000)(DeviceId.parse)
"""Names of devices come again and again: reading one is checked once."""
asset_id = lru_cache(maxsize=100_000)(AssetId.parse)
gateway_id = lru_cache(maxsize=100_000)(GatewayId.parse)


def utc(moment: datetime | None) -> datetime | None:
    """Return an instant in UTC."""
    return None if moment is None else to_utc(moment)


def columns(rows: Iterable[tuple[object, ...]], count: int) -> list[list[object]]:
    """Return rows as so many columns, for `unnest`."""
    turned = [list(column) for column in zip(*rows, strict=True)]
    return turned or [[] for _ in range(count)]
