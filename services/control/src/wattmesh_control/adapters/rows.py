"""What rows of every table have in common."""

import json
from collections.abc import Iterable, Mapping, Sequence
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


def array(values: Iterable[object]) -> str:
    """Return numbers or times as the text of a PostgreSQL array.

    psycopg looks at every element of a list in Python; this is an order of magnitude faster.
    """
    return "{" + ",".join(map(str, values)) + "}"


def records(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return rows as JSON, for `json_to_recordset`; what is absent there is null."""
    return json.dumps(
        [
            {
                name: value.isoformat() if isinstance(value, datetime) else value
                for name, value in zip(names, row, strict=True)
                if value is not None
            }
            for row in rows
        ]
    )


def record_of(columns: Mapping[str, str]) -> str:
    """Return the column definitions with which `json_to_recordset` reads them."""
    return ", ".join(f"{name} {kind}" for name, kind in columns.items())
