"""Checks that the constructors of values share: InvalidArgument names the field that is wrong."""

import math

from wattmesh_kernel.errors import InvalidArgument

LONGEST_DISPLAY_NAME = 200


def require(condition: bool, reason: str, message: str, field: str) -> None:
    """Raise InvalidArgument unless `condition` holds."""
    if not condition:
        raise InvalidArgument(reason, message, field=field)


def require_at_least(value: float | None, least: float, field: str) -> None:
    """Raise InvalidArgument unless `value` is None, or finite and at least `least`."""
    if value is not None:
        _require_value(math.isfinite(value) and value >= least, f"at least {least:g}", value, field)


def require_positive(value: float | None, field: str) -> None:
    """Raise InvalidArgument unless `value` is None, or finite and above 0."""
    if value is not None:
        _require_value(math.isfinite(value) and value > 0, "positive", value, field)


def require_between(value: float | None, least: float, most: float, field: str) -> None:
    """Raise InvalidArgument unless `value` is None or within [least, most]."""
    if value is not None:
        _require_value(least <= value <= most, f"{least:g} to {most:g}", value, field)


def require_efficiency(value: float, field: str) -> None:
    """Raise InvalidArgument unless `value` is within (0, 1]."""
    _require_value(0 < value <= 1, "above 0 and at most 1", value, field)


def require_finite(value: float | None, field: str) -> None:
    """Raise InvalidArgument unless `value` is None or finite."""
    if value is not None:
        _require_value(math.isfinite(value), "finite", value, field)


def require_display_name(name: str, field: str = "display_name") -> None:
    """Raise InvalidArgument unless a name for people is one line of at most 200 characters."""
    require(
        len(name) <= LONGEST_DISPLAY_NAME and (not name or name.isprintable()),
        "INVALID_DISPLAY_NAME",
        f"a display name is one line of at most {LONGEST_DISPLAY_NAME} characters",
        field,
    )


def require_text(text: str, longest: int, field: str, *, required: bool = False) -> None:
    """Raise InvalidArgument unless `text` is printable, not too long and, if required, there."""
    require(bool(text) or not required, "MISSING_FIELD", f"{field} is required", field)
    require(
        len(text) <= longest and (not text or text.isprintable()),
        "INVALID_TEXT",
        f"{field} is one line of at most {longest} characters",
        field,
    )


def _require_value(condition: bool, what: str, value: float, field: str) -> None:
    require(condition, "INVALID_VALUE", f"{field} must be {what}, not {value:g}", field)
