"""Why money was saved: the difference of two bills, split so that the parts add up to it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum
from itertools import pairwise

import numpy as np

from wattmesh_analytics.domain.energy import Energy, Floats
from wattmesh_analytics.domain.site_energy import AssetKind
from wattmesh_kernel.tariff import Bill, ChargeCause, LoweredTariff

_PLACES = 9
_PEAKS = (ChargeCause.DEMAND, ChargeCause.COINCIDENT_PEAK)
_ENERGY = (ChargeCause.IMPORT_ENERGY, ChargeCause.EXPORT_ENERGY)


class SavingsCause(Enum):
    """Why money was saved."""

    SELF_CONSUMPTION = "self_consumption"
    """Own generation was stored and used instead of exported and imported later."""

    ARBITRAGE = "arbitrage"
    """Energy was imported at one price and used, or exported, at another."""

    PEAK = "peak"
    """A demand charge or a coincident-peak charge was lower."""

    OTHER = "other"
    """Tiers were reached later, or other charges were lower."""

    CHARGING = "charging"
    """Vehicles were charged when energy cost less."""

    HEATING_AND_COOLING = "heating_and_cooling"
    """Zones were heated or cooled when energy cost less, or less of it was needed."""

    DEMAND_RESPONSE = "demand_response"
    """Events of demand response were paid."""

    DECLARED = "declared"
    """It was done otherwise than the caller has declared."""


_CAUSES: Mapping[AssetKind, SavingsCause] = {
    AssetKind.STORAGE: SavingsCause.ARBITRAGE,
    AssetKind.CHARGING: SavingsCause.CHARGING,
    AssetKind.CLIMATE: SavingsCause.HEATING_AND_COOLING,
    AssetKind.DECLARED: SavingsCause.DECLARED,
}


def split(
    metered: list[Bill],
    without: list[Bill],
    lowered: LoweredTariff,
    stages: Sequence[tuple[AssetKind | None, Energy]],
    paid: Decimal = Decimal(0),
) -> Mapping[SavingsCause, Decimal]:
    """Return the saving by cause; the parts add up to what the bills differ by, and `paid`.

    `lowered` is the tariff over the intervals of `stages`: the exchange as metered (None), and with
    one kind after the other left to its rule. What energy costs less from one to the next is that
    kind's; what tiers and rounding leave over is the first kind's. `paid` is what demand response
    paid. The share of own generation in what storage gives is that of what it took over the whole
    span (proportional sharing, as in the tracing of power flows: Bialek, IEE Proc. 143(4), 1996).
    Storing 2 kWh of own generation (0.08 not earned each) and using 1.8 of them at 0.40 saves 0.56.
    """
    energy = _difference(metered, without, _ENERGY)
    peak = _difference(metered, without, _PEAKS)
    everything = _difference(metered, without, tuple(ChargeCause))
    parts = dict.fromkeys(SavingsCause, Decimal(0))
    rest = energy
    for (_, before), (kind, after) in list(pairwise(stages))[:0:-1]:
        assert kind is not None, "only the first stage is as metered"
        part = _decimal(_energy_cost(lowered, after) - _energy_cost(lowered, before))
        parts[_CAUSES[kind]] += part
        rest -= part
    first = stages[1][0]
    if first is AssetKind.STORAGE:
        own = _decimal(_self_consumption(lowered, stages[0][1], stages[1][1]))
        parts[SavingsCause.SELF_CONSUMPTION] = own
        parts[SavingsCause.ARBITRAGE] = rest - own
    elif first is not None:
        parts[_CAUSES[first]] += rest
    parts[SavingsCause.PEAK] = peak
    parts[SavingsCause.OTHER] = everything - energy - peak
    parts[SavingsCause.DEMAND_RESPONSE] = paid
    return parts


def _energy_cost(lowered: LoweredTariff, energy: Energy) -> float:
    """Return what energy costs interval by interval [currency]."""
    paid = _priced(lowered.import_price_per_kwh) @ _kwh(energy.import_wh.values)
    return float(paid - _priced(lowered.export_price_per_kwh) @ _kwh(energy.export_wh.values))


def _decimal(value: float) -> Decimal:
    return Decimal(f"{value:.{_PLACES}f}")


def _difference(
    metered: list[Bill], without: list[Bill], causes: tuple[ChargeCause, ...]
) -> Decimal:
    return sum(
        (
            sign * each.amount(cause)
            for sign, bills in ((1, without), (-1, metered))
            for each in bills
            for cause in causes
        ),
        Decimal(0),
    )


def _self_consumption(lowered: LoweredTariff, metered: Energy, without: Energy) -> float:
    """Return what storing own generation saved [currency]."""
    import_price = _priced(lowered.import_price_per_kwh)
    export_price = _priced(lowered.export_price_per_kwh)
    less_import = _kwh(without.import_wh.values - metered.import_wh.values)
    less_export = _kwh(without.export_wh.values - metered.export_wh.values)
    from_own = np.maximum(less_export, 0.0)
    from_grid = np.maximum(-less_import, 0.0)
    taken = float(from_own.sum() + from_grid.sum())
    if not taken:
        return 0.0
    earned = import_price @ np.maximum(less_import, 0.0)
    earned += export_price @ np.maximum(-less_export, 0.0)
    return float(from_own.sum() / taken * earned - export_price @ from_own)


def _kwh(values_wh: Floats) -> Floats:
    return np.nan_to_num(values_wh, nan=0.0) / 1000


def _priced(prices: Floats) -> Floats:
    return np.nan_to_num(prices, nan=0.0)
