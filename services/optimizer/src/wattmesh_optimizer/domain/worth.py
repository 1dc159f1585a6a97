"""What one more unit of a limit would save, said in the site's money, clock and horizon."""

from itertools import islice

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.domain.wording import Words

_MORE = {
    "import_limit": "import limit",
    "export_limit": "export limit",
    "group_import_limit": "import limit of the group",
    "group_export_limit": "export limit of the group",
    "event_import_limit": "import limit of the event",
    "event_export_limit": "export limit of the event",
    "max_charge_power": "charging power",
    "max_discharge_power": "discharging power",
    "soc_charge_power": "charging power when nearly full",
    "soc_discharge_power": "discharging power when nearly empty",
    "max_soc": "usable capacity",
    "max_power": "power",
    "available_power": "generation",
}
"""Limits that more of would help."""

_LESS = {
    "min_soc": "energy kept back",
    "peak": "peak",
    "group_peak": "peak of the group",
    "reserve": "reserve to hold",
    "islanding_reserve": "energy held for an outage",
}
"""Limits that less of would help."""

_MOST_SPANS = 3


def worth_sentence(
    words: Words,
    *,
    subject: str,
    constraint: str,
    unit: str,
    intervals: NDArray[np.int64],
    worth: float,
    currency_code: str,
) -> str:
    """Return what one unit of a limit would save within the horizon, and when it binds.

    "sites/home: 1 kW more import limit would save 0.72 EUR in the 24 h planned; it binds today
    17:00–19:00".
    """
    name, _, which = constraint.partition(":")
    hours = words.horizon.count * words.horizon.hours
    what = _wish(name) + (f" ({which})" if which else "")
    return (
        f"{subject}: 1 {unit} {what} would save {_money(worth)} {currency_code} in the "
        f"{hours:g} h planned; it binds {_spans(words, intervals)}"
    )


def _wish(name: str) -> str:
    if name in _MORE:
        return f"more {_MORE[name]}"
    if name in _LESS:
        return f"less {_LESS[name]}"
    if name == "demand_charge":
        return "less of the peak that the demand charge counts"
    return f"of {name.replace('_', ' ')}"


def _money(worth: float) -> str:
    """Return 0.7225 as 0.72, 0.00451 as 0.0045."""
    return f"{worth:.2f}" if worth >= 0.1 else f"{worth:.2g}"


def _spans(words: Words, intervals: NDArray[np.int64]) -> str:
    ordered = np.unique(intervals)
    parts = np.split(ordered, np.flatnonzero(np.diff(ordered) > 1) + 1)
    said = [words.span(int(part[0]), int(part[-1]) + 1) for part in islice(parts, _MOST_SPANS)]
    left = len(parts) - len(said)
    return ", ".join(said) + (f" and {left} more times" if left else "")
