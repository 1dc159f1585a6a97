"""What a span came to, and what it would have come to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from wattmesh_analytics.domain.bills import cost_of, exact_total
from wattmesh_analytics.domain.causes import SavingsCause, split
from wattmesh_analytics.domain.energy import Energy, peak_kw, total_net_wh
from wattmesh_analytics.domain.site_energy import Counterfactual, SiteEnergy
from wattmesh_analytics.domain.uncertainty import Interval, saved_interval
from wattmesh_kernel.comfort import DISCOMFORT_PRICE_PER_KELVIN_HOUR
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.money import Money
from wattmesh_kernel.tariff import Bill, Tariff, lower_tariff
from wattmesh_kernel.time import TimeRange


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """One side of a comparison; `emissions_kg` None: not known.

    `demand_response` is what events were paid, taken off `cost`; None: nothing was settled.
    `discomfort_kelvin_hours` None: no zones are compared.
    """

    cost: Money
    energies: tuple[Energy, ...]
    emissions_kg: float | None = None
    demand_response: Money | None = None
    discomfort_kelvin_hours: float | None = None

    @property
    def by_tariff(self) -> Money:
        """The cost by the tariffs alone, whatever demand response paid."""
        return self.cost if self.demand_response is None else self.cost + self.demand_response

    @property
    def peak_kw(self) -> float:
        """The highest mean power that the sites drew together [kW]."""
        return peak_kw(total_net_wh(self.energies), self.energies[0].hours)

    @property
    def total_kwh(self) -> tuple[float, float]:
        """Energy imported and exported [kWh]."""
        totals = [each.total_kwh() for each in self.energies]
        return sum(each[0] for each in totals), sum(each[1] for each in totals)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredGain:
    """More energy in the batteries at the end than at the start [kWh], and what it is worth.

    `value` None: no price is known.
    """

    energy_kwh: float
    value: Money | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """Something that a comparison could not move, and why, for people."""

    subject: AssetId | SiteId
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Savings:
    """Both sides over the same intervals, and why they differ."""

    sites: tuple[SiteId, ...]
    range: TimeRange
    counterfactual: Counterfactual
    metered: Account
    without: Account
    parts: Mapping[SavingsCause, Decimal]
    intervals: int
    missing_intervals: int
    stored: StoredGain | None = None
    interval: Interval | None = None
    avoided_gco2e: float | None = None
    carbon: Money | None = None
    """What emissions saved are worth by the site's own carbon price; on no bill."""
    left_out: tuple[LeftOut, ...] = ()
    stored_unknown: bool = False
    """Something stores energy, and how much it holds at both ends is not known of all."""

    @property
    def saved(self) -> Money:
        """What was saved, to the cent; negative: it cost more."""
        return (self.without.cost - self.metered.cost).rounded()

    @property
    def comfort(self) -> Money | None:
        """What zones were less outside of their bands than they would have been, by the price that
        plans weigh it with; negative: they were more. None: no zones are compared.

        3 K h instead of 5 at 2.00 per K h are worth 4.
        """
        now = self.metered.discomfort_kelvin_hours
        before = self.without.discomfort_kelvin_hours
        if now is None or before is None:
            return None
        worth = Decimal(f"{(before - now) * DISCOMFORT_PRICE_PER_KELVIN_HOUR:.9f}")
        return Money(worth, self.metered.cost.currency_code)

    @property
    def comparable(self) -> Money | None:
        """What was saved with both sides made equal: with what is stored more at the end, and what
        comfort is worth. None: what is stored, or its price, is not known.
        """
        if self.stored_unknown or (self.stored is not None and self.stored.value is None):
            return None
        found = self.without.cost - self.metered.cost
        worths = (None if self.stored is None else self.stored.value, self.comfort)
        return sum((each for each in worths if each is not None), found).rounded()

    @property
    def covered_ratio(self) -> float:
        """The share of intervals that count."""
        return 1 - self.missing_intervals / self.intervals if self.intervals else 0.0


def site_savings(
    energy: SiteEnergy,
    tariff: Tariff,
    asked: TimeRange,
    counterfactual: Counterfactual,
    paid: Money | None = None,
) -> Savings:
    """Return what control saved at one site, without emissions and stored energy.

    `energy` begins early enough for the tariff's demand charges and tiers, and no later than
    `asked`; `paid` is what demand response paid for it.
    """
    metered, *stages = energy.compared(counterfactual)
    without = stages[-1]
    bills = _bills(tariff, metered, energy, asked), _bills(tariff, without, energy, asked)
    now = metered.window(asked), without.window(asked)
    lowered = lower_tariff(tariff, asked, now[0].import_wh.resolution, energy.zone)
    accounts = _account(tariff, bills[0], now[0], paid), _account(tariff, bills[1], now[1])
    kinds = (None, *counterfactual.kinds)
    looked_at = [each.window(asked) for each in (metered, *stages)]
    saved = (accounts[1].cost - accounts[0].cost).amount
    return Savings(
        sites=(energy.site,),
        range=asked,
        counterfactual=counterfactual,
        metered=accounts[0],
        without=accounts[1],
        interval=saved_interval(saved, lowered, *now),
        parts=split(
            *bills,
            lowered,
            list(zip(kinds, looked_at, strict=True)),
            Decimal(0) if paid is None else paid.amount,
        ),
        intervals=len(now[0].import_wh),
        missing_intervals=int(np.sum(~now[0].known)),
    )


def together(savings: Sequence[Savings]) -> Savings:
    """Return the savings of several sites as one; InvalidArgument when currencies differ."""
    stored = [each.stored for each in savings]
    return Savings(
        sites=tuple(site for each in savings for site in each.sites),
        range=savings[0].range,
        counterfactual=savings[0].counterfactual,
        metered=_sum_accounts([each.metered for each in savings]),
        without=_sum_accounts([each.without for each in savings]),
        parts={
            cause: sum((each.parts[cause] for each in savings), Decimal(0))
            for cause in SavingsCause
        },
        intervals=sum(each.intervals for each in savings),
        missing_intervals=sum(each.missing_intervals for each in savings),
        stored=_sum_stored([each for each in stored if each is not None]),
        interval=_sum_intervals([each.interval for each in savings]),
        avoided_gco2e=_sum_known([each.avoided_gco2e for each in savings]),
        carbon=_sum_money([each.carbon for each in savings]),
        left_out=tuple(one for each in savings for one in each.left_out),
        stored_unknown=any(each.stored_unknown for each in savings),
    )


def _bills(tariff: Tariff, energy: Energy, site: SiteEnergy, asked: TimeRange) -> list[Bill]:
    return cost_of(tariff, energy, site.zone, asked)


def _account(
    tariff: Tariff, bills: list[Bill], energy: Energy, paid: Money | None = None
) -> Account:
    cost = Money(exact_total(bills), tariff.currency_code)
    if paid is not None:
        cost = cost - paid
    return Account(cost=cost, energies=(energy,), demand_response=paid)


def _sum_accounts(accounts: Sequence[Account]) -> Account:
    cost = accounts[0].cost
    for each in accounts[1:]:
        cost = cost + each.cost
    return Account(
        cost=cost,
        energies=tuple(energy for each in accounts for energy in each.energies),
        emissions_kg=_sum_known([each.emissions_kg for each in accounts]),
        demand_response=_sum_money([each.demand_response for each in accounts]),
        discomfort_kelvin_hours=_sum_known([each.discomfort_kelvin_hours for each in accounts]),
    )


def _sum_money(amounts: Sequence[Money | None]) -> Money | None:
    """Return the sum of those that are known; None when none is."""
    known = [each for each in amounts if each is not None]
    return sum(known[1:], known[0]) if known else None


def _sum_known(values: Sequence[float | None]) -> float | None:
    """Return the sum of those that are known; None when none is."""
    known = [each for each in values if each is not None]
    return sum(known) if known else None


def _sum_intervals(intervals: Sequence[Interval | None]) -> Interval | None:
    """Return the interval of a sum of independent savings; None when one is not known."""
    known = [each for each in intervals if each is not None]
    if len(known) < len(intervals):
        return None
    middle = sum(((each.low + each.high) / 2 for each in known), Decimal(0))
    spread = sum((((each.high - each.low) / 2) ** 2 for each in known), Decimal(0)).sqrt()
    return Interval(low=middle - spread, high=middle + spread)


def _sum_stored(gains: Sequence[StoredGain]) -> StoredGain | None:
    """Return the gains of those sites whose are known; None when none is."""
    if not gains:
        return None
    value = _sum_money([each.value for each in gains])
    return StoredGain(energy_kwh=sum(each.energy_kwh for each in gains), value=value)
