"""What was metered so far and changes what the time ahead costs: bills and shared peaks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import BillingState, Tariff, bill, billing_periods_of
from wattmesh_kernel.time import TimeRange

LONGEST_WAIT = timedelta(days=1)
"""How long readings that have not come are waited for; after that, a gap stays a gap."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MeteredEnergy:
    """Energy into and out of an asset per interval [Wh], not negative, NaN: not metered."""

    import_wh: Series
    export_wh: Series

    @property
    def net_wh(self) -> Series:
        """Energy into less energy out of the asset."""
        return self.import_wh.with_values(self.import_wh.values - self.export_wh.values)

    def until(self, end: datetime) -> "MeteredEnergy":
        """Return the part before `end`."""
        span = TimeRange(self.import_wh.start, end)
        return MeteredEnergy(
            import_wh=self.import_wh.window(span), export_wh=self.export_wh.window(span)
        )


def needs_billing_state(tariff: Tariff) -> bool:
    """Return whether what was metered in the running billing period changes what a plan costs."""
    return any(
        terms.demand_charges or terms.import_rates.tiered_rates or terms.export_rates.tiered_rates
        for terms in tariff.every_terms
    )


def billing_period_start(tariff: Tariff, moment: datetime, zone: ZoneInfo) -> datetime:
    """Return when the billing period began that `moment` is in."""
    return billing_periods_of(tariff, TimeRange(moment, moment), zone)[0].start


def month_start(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the start of the calendar month that `moment` is in."""
    local = moment.astimezone(zone)
    return datetime(local.year, local.month, 1, tzinfo=zone)


def closed_until(net_wh: Series) -> datetime:
    """Return until when readings are complete: what is missing at the end may still come.

    After `LONGEST_WAIT` it is not waited for any more.
    """
    known = np.flatnonzero(np.isfinite(net_wh.values))
    end = net_wh.start + (int(known[-1]) + 1) * net_wh.resolution if known.size else net_wh.start
    waits = net_wh.end - LONGEST_WAIT
    late = net_wh.start + max((waits - net_wh.start) // net_wh.resolution, 0) * net_wh.resolution
    return max(end, late)


def missing_duration(net_wh: Series) -> timedelta:
    """Return for how long nothing was metered."""
    return int(np.isnan(net_wh.values).sum()) * net_wh.resolution


def state_after(
    tariff: Tariff, energy: MeteredEnergy, zone: ZoneInfo, before: BillingState | None
) -> BillingState:
    """Return the billing state at the end of what was metered, carried on from `before`."""
    return bill(tariff, energy.import_wh, energy.export_wh, zone, before).state


def total_net_wh(energies: Sequence[MeteredEnergy]) -> Series:
    """Return what several connections drew together [Wh]; NaN where any is missing."""
    total = np.sum([energy.net_wh.values for energy in energies], axis=0)
    return energies[0].net_wh.with_values(total)


def peak_power_w(net_wh: Series) -> float:
    """Return the highest mean power drawn [W]; 0 where nothing is known or nothing was drawn.

    2,500 Wh in half an hour are 5,000 W.
    """
    known = net_wh.values[np.isfinite(net_wh.values)]
    hours = net_wh.resolution.total_seconds() / 3600
    return max(float(known.max()), 0.0) / hours if known.size else 0.0
