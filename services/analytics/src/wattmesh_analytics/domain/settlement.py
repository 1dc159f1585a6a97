"""What one day costs, as it was known when it was settled; and what has changed since."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_analytics.domain.energy import Energy, Floats
from wattmesh_kernel.ids import SiteId, TariffId
from wattmesh_kernel.tariff import BillingState, BillLine, Tariff, bill
from wattmesh_kernel.time import TimeRange


class Reason(Enum):
    """Why a day was settled."""

    FIRST = "first"
    LATE_READINGS = "late_readings"
    CORRECTED_READINGS = "corrected_readings"
    TARIFF = "tariff"
    CARRIED_OVER = "carried_over"


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """How much more a version has than the one before: cost, energy in and out [kWh]."""

    cost: Decimal
    import_kwh: float
    export_kwh: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """One version of a day; `first_state` and `last_state` are what it began with and leaves."""

    site: SiteId
    day: date
    range: TimeRange
    version: int
    settle_time: datetime
    reason: Reason
    tariff: TariffId
    currency_code: str
    lines: tuple[BillLine, ...]
    import_kwh: float
    export_kwh: float
    covered_ratio: float
    first_state: BillingState | None
    last_state: BillingState
    change: Change | None = None

    @property
    def cost(self) -> Decimal:
        """What the day adds to the bill."""
        return sum((line.amount for line in self.lines), Decimal(0))


@dataclass(frozen=True, kw_only=True)
class Settled:
    """A settlement with the energies it was made from."""

    settlement: Settlement
    energy: Energy = field(repr=False)


def settle(
    site: SiteId,
    tariff: Tariff,
    energy: Energy,
    zone: ZoneInfo,
    state: BillingState | None,
    before: Settled | None,
    now: datetime,
) -> Settled | None:
    """Return the next version of a day; None when nothing has changed.

    `energy` is that of the whole day, `state` what the day before leaves, `before` the newest
    version. Days settled one after the other add up to the bill of their period, before rounding.
    """
    found = bill(tariff, energy.import_wh, energy.export_wh, zone, state)
    reason = _reason(tariff.id, energy, found.lines, state, before)
    if reason is None:
        return None
    imported, exported = energy.total_kwh()
    cost = sum((line.amount for line in found.lines), Decimal(0))
    old = None if before is None else before.settlement
    change = None
    if old is not None:
        change = Change(
            cost=cost - old.cost,
            import_kwh=imported - old.import_kwh,
            export_kwh=exported - old.export_kwh,
        )
    return Settled(
        settlement=Settlement(
            site=site,
            day=energy.range.start.astimezone(zone).date(),
            range=energy.range,
            version=1 if old is None else old.version + 1,
            settle_time=now,
            reason=reason,
            tariff=tariff.id,
            currency_code=tariff.currency_code,
            lines=found.lines,
            import_kwh=imported,
            export_kwh=exported,
            covered_ratio=float(np.mean(energy.known)),
            first_state=state,
            last_state=found.state,
            change=change,
        ),
        energy=energy,
    )


def _reason(
    tariff: TariffId,
    energy: Energy,
    lines: Sequence[BillLine],
    state: BillingState | None,
    before: Settled | None,
) -> Reason | None:
    """Return why a day is settled; None when its newest version still holds."""
    if before is None:
        return Reason.FIRST
    corrected, late = _compared(before.energy, energy)
    if corrected:
        return Reason.CORRECTED_READINGS
    if late:
        return Reason.LATE_READINGS
    old = before.settlement
    if tariff != old.tariff:
        return Reason.TARIFF
    if tuple(lines) == old.lines and state == old.first_state:
        return None
    return Reason.CARRIED_OVER if state != old.first_state else Reason.TARIFF


def _compared(old: Energy, new: Energy) -> tuple[bool, bool]:
    """Return whether what was known has changed, and whether more is known."""
    pairs = (
        (old.import_wh.values, new.import_wh.values),
        (old.export_wh.values, new.export_wh.values),
    )
    corrected = any(_differs(*pair) for pair in pairs)
    late = any(bool((np.isnan(was) & np.isfinite(now)).any()) for was, now in pairs)
    return corrected, late


def _differs(old: Floats, new: Floats) -> bool:
    known = np.isfinite(old)
    return len(old) != len(new) or not np.array_equal(old[known], new[known])
