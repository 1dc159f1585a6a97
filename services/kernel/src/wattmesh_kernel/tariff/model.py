"""What a tariff is: prices of energy and power, as a contract states them.

Prices are floats in the tariff's currency. An import price is paid by the site, an export price is
paid to it; both may be negative. Local time is that of the site's zone, given when a tariff is
applied.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

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
from wattmesh_kernel.time import floor_time, to_utc

NO_PRICE = EnergyRates()
"""Rates at which energy costs nothing."""

MONTHLY = BillingCycle()
"""Billing periods that start on the first of every month."""

VERSION_RASTER = timedelta(minutes=15)
"""Versions begin and end on this raster of UTC, as every local midnight does."""
_MOST_VERSIONS = 200
_EARLIEST_YEAR, _LATEST_YEAR = 1900, 2200


@dataclass(frozen=True, kw_only=True, slots=True)
class Tariff:
    """What energy and power cost at a grid connection.

    What it says holds at all times that are in none of its `versions`; where several hold, the
    last one counts. Error: InvalidArgument for a code that is no currency's, when ids of demand
    charges or of tiered rates repeat, or for versions in another currency.
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
    versions: tuple["TariffVersion", ...] = ()

    def __post_init__(self) -> None:
        check_currency_code(self.currency_code)
        self._check_versions()
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

    @property
    def every_terms(self) -> Iterator["Tariff"]:
        """What holds at one time or another: the tariff itself, and its versions' terms."""
        yield self
        yield from (version.terms for version in self.versions)

    @property
    def has_demand_charges(self) -> bool:
        """Whether peaks cost anything at one time or another."""
        return any(terms.demand_charges for terms in self.every_terms)

    def with_terms(self, change: Callable[["Tariff"], "Tariff"]) -> "Tariff":
        """Return it with its own terms and those of every version changed."""
        itself = change(replace(self, versions=()) if self.versions else self)
        if not self.versions:
            return itself
        versions = (replace(each, terms=change(each.terms)) for each in self.versions)
        return replace(itself, versions=tuple(versions))

    def _check_versions(self) -> None:
        require_tariff(
            len(self.versions) <= _MOST_VERSIONS, f"at most {_MOST_VERSIONS} versions", "versions"
        )
        for version in self.versions:
            require_tariff(
                version.terms.currency_code == self.currency_code,
                "a version keeps the currency of its tariff",
                "versions.terms.currency_code",
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class TariffVersion:
    """Other terms of a tariff, from `start` up to `end`, or (None) for good.

    Error: InvalidArgument unless both are on the raster of a quarter of an hour and the end comes
    later, or for terms that have versions themselves.
    """

    start: datetime
    terms: Tariff
    end: datetime | None = None

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            if (moment := getattr(self, name)) is not None:
                object.__setattr__(self, name, to_utc(moment))
                require_tariff(
                    _EARLIEST_YEAR <= moment.year <= _LATEST_YEAR,
                    f"no tariff was changed in {moment.year}",
                    f"versions.{name}_time",
                )
                require_tariff(
                    floor_time(moment, VERSION_RASTER) == moment,
                    f"{moment.isoformat()} is not on a quarter of an hour",
                    f"versions.{name}_time",
                )
        require_tariff(
            self.end is None or self.start < self.end,
            "a version ends after it begins",
            "versions.end_time",
        )
        require_tariff(not self.terms.versions, "versions have none", "versions.terms.versions")
