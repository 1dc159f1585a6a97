"""Energy that storage holds more at the end of a span than at its start."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from wattmesh_analytics.domain.savings import StoredGain
from wattmesh_kernel.money import Money
from wattmesh_kernel.sites import BatteryRating


@dataclass(frozen=True, kw_only=True, slots=True)
class Storage:
    """How full a battery was at both ends of a span."""

    rating: BatteryRating
    first_soc_ratio: float
    last_soc_ratio: float

    @property
    def gain_kwh(self) -> float:
        """How much more it holds [kWh]."""
        return (self.last_soc_ratio - self.first_soc_ratio) * self.rating.capacity_wh / 1000

    @property
    def usable_kwh(self) -> float:
        """What of that comes out again [kWh]."""
        return self.gain_kwh * self.rating.discharge_efficiency_ratio


def stored_gain(
    storages: Sequence[Storage],
    price_per_kwh: float | None,
    currency_code: str,
    other_kwh: float = 0.0,
) -> StoredGain:
    """Return what batteries hold more, and what it is worth at an import price.

    `other_kwh` is what is elsewhere: heat in zones, and what vehicles would have left without.

    5 kWh more in a battery that loses a tenth in discharging are worth 1.35 at 0.30 per kWh.
    """
    usable = sum(each.usable_kwh for each in storages) + other_kwh
    value = None
    if price_per_kwh is not None:
        value = Money(Decimal(f"{usable * price_per_kwh:.9f}"), currency_code)
    return StoredGain(energy_kwh=sum(each.gain_kwh for each in storages) + other_kwh, value=value)
