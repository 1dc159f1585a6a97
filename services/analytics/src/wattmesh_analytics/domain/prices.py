"""What energy that is left at the end of a span is worth."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_kernel.tariff import Tariff, lower_tariff
from wattmesh_kernel.time import TimeRange


def last_days_import_price(
    tariff: Tariff, span: TimeRange, resolution: timedelta, zone: ZoneInfo
) -> float | None:
    """Return the mean import price of a span's last day [currency/kWh]; None: none is known."""
    last_day = TimeRange(max(span.start, span.end - timedelta(days=1)), span.end)
    prices = lower_tariff(tariff, last_day, resolution, zone).import_price_per_kwh
    known = prices[np.isfinite(prices)]
    return float(known.mean()) if known.size else None
