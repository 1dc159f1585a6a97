"""Reading optional fields and columns of numbers."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from wattmesh_contracts.values import duration_from_proto
from wattmesh_optimizer.domain.checks import Floats, refuse

V = TypeVar("V")

KILO = 1e-3
"""From W to kW and from Wh to kWh."""


def optional(proto: Message, field: str) -> Any:
    """Return a field's value, None when it is absent."""
    return getattr(proto, field) if proto.HasField(field) else None


def rated(proto: Any) -> Message:
    """Return what an asset is able to do; InvalidArgument when it does not say."""
    if not proto.HasField("rating"):
        raise refuse("rating", "is missing")
    rating: Message = proto.rating
    return rating


def known(meanings: Mapping[int, V], number: int, field: str) -> V:
    """Return what an enum's number means; InvalidArgument for one that is not said or not known."""
    if number not in meanings:
        raise refuse(field, f"{number} has no meaning")
    return meanings[number]


def given(proto: Message, **names: str) -> dict[str, Any]:
    """Return the present fields as keyword arguments: `given(p, min_soc_ratio="min_soc_ratio")`.

    Absent fields are left to the domain's defaults.
    """
    return {key: getattr(proto, field) for key, field in names.items() if proto.HasField(field)}


def column(values: Sequence[float], factor: float = 1.0) -> Floats:
    """Return packed numbers as an array times `factor`."""
    return np.array(values, dtype=np.float64) * factor


def optional_column(values: Sequence[float], factor: float = 1.0) -> Floats | None:
    """Return packed numbers as an array times `factor`; None when there are none."""
    return column(values, factor) if len(values) else None


def kilo(value: float | None) -> float | None:
    """Return W as kW; None stays None."""
    return None if value is None else value * KILO


def duration(proto: Message, field: str) -> timedelta:
    """Return a Duration field as a timedelta, zero when it is absent."""
    value: Duration = getattr(proto, field)
    return duration_from_proto(value, field)
