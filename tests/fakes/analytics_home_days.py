"""Two days of a home with a battery, what they cost and emitted, reckoned with numpy alone."""

from datetime import timedelta
from typing import Any

import numpy as np

from tests.fakes.analytics_world import (
    DAY,
    QUARTER,
    START,
    HomeDays,
)
from wattmesh.type.v1 import tariff_pb2
from wattmesh_contracts.values import (
    duration_to_proto,
)
from wattmesh_kernel.time import TimeRange

DAYS = 2
SPAN = TimeRange.of(START, DAYS * timedelta(days=1))
HOME_DAYS = HomeDays.of(7, DAYS)
INTENSITY = 200 + 100 * np.cos(np.arange(24 * DAYS) / 12 * np.pi)
EVENING = np.tile((np.arange(DAY) >= 64) & (np.arange(DAY) < 84), DAYS)
PRICE = np.where(EVENING, 0.54, 0.22)
PEAK_PRICE = 12.0


def time_of_use() -> tariff_pb2.Tariff:
    """0.54 from 16 to 21 h, else 0.22; 0.05 for export; 12 per kW of a quarter-hour's peak."""
    evening = tariff_pb2.TariffWindow(
        clock_ranges=[tariff_pb2.ClockRange(start_minute=16 * 60, end_minute=21 * 60)]
    )
    return tariff_pb2.Tariff(
        name="tariffs/home",
        currency_code="USD",
        import_rates=tariff_pb2.EnergyRates(
            tou_periods=[
                tariff_pb2.TouPeriod(display_name="On-peak", window=evening, price_per_kwh=0.54),
                tariff_pb2.TouPeriod(display_name="Off-peak", price_per_kwh=0.22),
            ]
        ),
        export_rates=tariff_pb2.EnergyRates(base_per_kwh=0.05),
        demand_charges=[
            tariff_pb2.DemandCharge(
                id="peak",
                price_per_kw=PEAK_PRICE,
                averaging=duration_to_proto(QUARTER),
            )
        ],
    )


def cost(net_kwh: np.ndarray[Any, Any]) -> float:
    """The bill by numpy alone."""
    energy = np.maximum(net_kwh, 0) @ PRICE - np.maximum(-net_kwh, 0).sum() * 0.05
    return float(energy + PEAK_PRICE * max(net_kwh.max(), 0) * 4)


def grams(net_kwh: np.ndarray[Any, Any]) -> float:
    return float(np.maximum(net_kwh, 0) @ np.repeat(INTENSITY, 4))
