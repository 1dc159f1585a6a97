"""Refusing tariffs that make no sense."""

import math

from wattmesh_kernel.errors import InvalidArgument

MOST = 1_000_000_000
"""No price, amount or threshold is larger: what is would make every plan meaningless."""


def require_tariff(condition: bool, message: str, where: str) -> None:
    """Raise InvalidArgument about the field `where` unless the condition holds."""
    if not condition:
        raise InvalidArgument("INVALID_TARIFF", message, field=where)


def require_finite(where: str, *values: float) -> None:
    """Raise InvalidArgument about the field `where` unless all values are finite, and possible."""
    require_tariff(all(map(math.isfinite, values)), f"{where} must be finite", where)
    require_tariff(
        all(abs(value) <= MOST for value in values),
        f"{where} is beyond {MOST:,}, which no tariff knows in any currency",
        where,
    )
