"""Tariffs and their arithmetic: one code for optimizer, bill and dashboard.

A `Tariff` is what a contract says. `lower_tariff` turns it into a `LoweredTariff` of plain arrays
over a span of time; `evaluate` costs energies under it; `bill` does both for metered energies. A
`BillingState` carries peaks, open averages and tier usage from one span to the next.
"""

from wattmesh_kernel.tariff.bill import Bill, BillGap, BillLine, GapReason, bill, bill_of
from wattmesh_kernel.tariff.calendar import billing_periods
from wattmesh_kernel.tariff.charges import (
    BillingCycle,
    ChargeInterval,
    CoincidentPeakCharge,
    DemandCharge,
    EnergyDirection,
    FixedCharge,
    PowerLimit,
    Ratchet,
)
from wattmesh_kernel.tariff.evaluate import Cost, CostLine, demand_kw, evaluate
from wattmesh_kernel.tariff.hourly import tariff_from_hourly_prices
from wattmesh_kernel.tariff.lower import lower_tariff
from wattmesh_kernel.tariff.lowered import (
    ChargeCause,
    LoweredDemand,
    LoweredFixed,
    LoweredTariff,
    LoweredTier,
    PriceComponent,
    RatchetLink,
)
from wattmesh_kernel.tariff.model import Tariff, TariffVersion
from wattmesh_kernel.tariff.parts import (
    TariffPart,
    billing_periods_of,
    parts_of,
    terms_at,
)
from wattmesh_kernel.tariff.rates import EnergyRates, RealTimePrice, Tier, TieredRate, TouPeriod
from wattmesh_kernel.tariff.state import BillingState, DemandPeak, OpenAverage, TierUsage
from wattmesh_kernel.tariff.windows import (
    ALWAYS,
    WEEKDAYS,
    WEEKENDS,
    ClockRange,
    Day,
    Season,
    Window,
)

__all__ = [
    "ALWAYS",
    "WEEKDAYS",
    "WEEKENDS",
    "Bill",
    "BillGap",
    "BillLine",
    "BillingCycle",
    "BillingState",
    "ChargeCause",
    "ChargeInterval",
    "ClockRange",
    "CoincidentPeakCharge",
    "Cost",
    "CostLine",
    "Day",
    "DemandCharge",
    "DemandPeak",
    "EnergyDirection",
    "EnergyRates",
    "FixedCharge",
    "GapReason",
    "LoweredDemand",
    "LoweredFixed",
    "LoweredTariff",
    "LoweredTier",
    "OpenAverage",
    "PowerLimit",
    "PriceComponent",
    "Ratchet",
    "RatchetLink",
    "RealTimePrice",
    "Season",
    "Tariff",
    "TariffPart",
    "TariffVersion",
    "Tier",
    "TierUsage",
    "TieredRate",
    "TouPeriod",
    "Window",
    "bill",
    "bill_of",
    "billing_periods",
    "billing_periods_of",
    "demand_kw",
    "evaluate",
    "lower_tariff",
    "parts_of",
    "tariff_from_hourly_prices",
    "terms_at",
]
