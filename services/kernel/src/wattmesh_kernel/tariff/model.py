"""What a tariff is: prices of energy and power, as a contract states them.

Prices are floats in the tariff's currency. An import price is paid by the site, an export price is
paid to it; both may be negative. Local time is that of the site's zone, given when a tariff is
applied.
"""

from dataclasses import dataclass
from datetime import date

from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.money import check_currency_code
from wattmesh_kernel.tariff.charges import (
    BillingCycle,
    CoincidentPeakCharge,
    DemandCharge,
    EnergyDirection,
    FixedCharge,
    PowerLimit,
)
from wattmesh_kernel.tariff.checks import require_tariff
from wattmesh_kernel.tariff.rates import EnergyRates

NO_PRICE = EnergyRates()
"""Rates at which energy costs nothing."""

MONTHLY = BillingCycle()
"""Billing periods that start on the first of every month."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tariff:
    """What energy and power cost at a grid connection.

    Error: InvalidArgument for a code that is no currency's, or when ids of demand charges or of
    tiered rates repeat.
    """

    id: TariffId
    currency_code: str
    display_name: str = ""
    import_rates: EnergyRates = NO_PRICE
    export_rates: EnergyRates = NO_PRICE
    fixed_charges: tuple[FixedCharge, ...] = ()
    demand_charges: tuple[DemandCharge, ...] = ()
    coincident_peak_charges: tuple[CoincidentPeakCharge, ...] = ()
    power_limits: tuple[PowerLimit, ...] = ()
    billing_cycle: BillingCycle = MONTHLY
    holidays: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        check_currency_code(self.currency_code)
        demand_ids = [charge.id for charge in self.demand_charges]
        require_tariff(
            len(set(demand_ids)) == len(demand_ids), "demand charge ids repeat", "demand_charges.id"
        )
        tiered = (*self.import_rates.tiered_rates, *self.export_rates.tiered_rates)
        require_tariff(
            len({rate.id for rate in tiered}) == len(tiered),
            "tiered rate ids repeat",
            "tiered_rates.id",
        )

    def rates(self, direction: EnergyDirection) -> EnergyRates:
        """Return the energy rates of one direction."""
        return self.import_rates if direction is EnergyDirection.IMPORT else self.export_rates
