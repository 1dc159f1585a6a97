"""Refusing tariffs that make no sense."""

import math

from wattmesh_kernel.errors import InvalidArgument


def require_tariff(condition: bool, message: str, where: str) -> None:
    """Raise InvalidArgument about the field `where` unless the condition holds."""
    if not condition:
        raise InvalidArgument("INVALID_TARIFF", message, field=where)


def require_finite(where: str, *values: float) -> None:
    """Raise InvalidArgument about the field `where` unless all values are finite."""
    require_tariff(all(map(math.isfinite, values)), f"{where} must be finite", where)
