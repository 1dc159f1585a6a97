"""Bills: metered energy priced by a tariff, cause by cause, rounded once at the end."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_kernel.errors import FailedPrecondition, InvalidArgument
from wattmesh_kernel.money import Money
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff.calendar import Bools
from wattmesh_kernel.tariff.evaluate import Cost, CostLine, evaluate
from wattmesh_kernel.tariff.lower import lower_tariff
from wattmesh_kernel.tariff.lowered import ChargeCause, LoweredTariff
from wattmesh_kernel.tariff.model import Tariff
from wattmesh_kernel.tariff.state import BillingState
from wattmesh_kernel.time import TimeRange

_PLACES = 9  # finer than any price; takes away the dust of binary fractions


class GapReason(Enum):
    """What a bill lacks."""

    READING = "reading"
    """Imported or exported energy was not metered."""

    PRICE = "price"
    """Energy flowed at a time without a price."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BillGap:
    """A time that could not be billed, and why."""

    range: TimeRange
    reason: GapReason


@dataclass(frozen=True, kw_only=True, slots=True)
class BillLine:
    """One cause of cost, exact to nine decimals; a negative amount is a credit.

    `part` is the time that it is of, where the tariff changes; None: all of the bill.
    `estimated_ratio`: the share of the quantity that is there by estimated energy alone, 0 to 1.
    """

    cause: ChargeCause
    name: str
    quantity: float
    unit: str
    amount: Decimal
    part: TimeRange | None = None
    estimated_ratio: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Bill:
    """What a span of time costs.

    `gaps` say what the lines leave out; `state` is the billing state at the end, from which the
    next part of the period is billed.
    """

    range: TimeRange
    currency_code: str
    lines: tuple[BillLine, ...]
    gaps: tuple[BillGap, ...]
    state: BillingState

    @property
    def subtotal(self) -> Money:
        """The sum of the lines, rounded to the cent, without what the gaps leave out."""
        exact = sum((line.amount for line in self.lines), Decimal(0))
        return Money(exact, self.currency_code).rounded()

    @property
    def total(self) -> Money:
        """The sum of the lines, rounded to the cent; FailedPrecondition when there are gaps."""
        if self.gaps:
            first = self.gaps[0]
            raise FailedPrecondition(
                "BILL_INCOMPLETE",
                f"{len(self.gaps)} gaps, the first a missing {first.reason.value} in {first.range}",
            )
        return self.subtotal

    def amount(self, cause: ChargeCause) -> Decimal:
        """Return the exact sum of one cause's lines."""
        return sum((line.amount for line in self.lines if line.cause is cause), Decimal(0))


def bill(
    tariff: Tariff,
    import_wh: Series,
    export_wh: Series,
    zone: ZoneInfo,
    state: BillingState | None = None,
) -> Bill:
    """Return the bill of metered energies [Wh per interval] under a tariff.

    Both series have the same intervals, import and export apart, never negative, NaN where a
    reading is missing. `zone` is the site's. With the `state` of the bill before, bills of
    successive spans add up to the bill of the whole (before rounding). 10 kWh at 0.25 per kWh and
    a day's charge of 0.40 make 2.90.

    Errors: InvalidArgument for unequal intervals or negative energy, and as `lower_tariff`.
    """
    intervals = (import_wh.start, import_wh.resolution, len(import_wh))
    if intervals != (export_wh.start, export_wh.resolution, len(export_wh)):
        raise InvalidArgument(
            "UNEQUAL_SERIES", "import and export differ in their intervals", field="export_wh"
        )
    lowered = lower_tariff(tariff, import_wh.range, import_wh.resolution, zone, state)
    return bill_of(lowered, evaluate(lowered, import_wh.values / 1000, export_wh.values / 1000))


def bill_of(lowered: LoweredTariff, cost: Cost) -> Bill:
    """Return a cost as a bill."""
    return Bill(
        range=lowered.range,
        currency_code=lowered.currency_code,
        lines=tuple(_bill_line(line) for line in cost.lines),
        gaps=(
            *_gaps(lowered, cost.missing_reading, GapReason.READING),
            *_gaps(lowered, cost.missing_price, GapReason.PRICE),
        ),
        state=cost.state,
    )


def _bill_line(line: CostLine) -> BillLine:
    return BillLine(
        cause=line.cause,
        name=line.name,
        quantity=line.quantity,
        unit=line.unit,
        amount=Decimal(f"{line.amount:.{_PLACES}f}"),
        part=line.part,
    )


def _gaps(lowered: LoweredTariff, missing: Bools, reason: GapReason) -> Iterator[BillGap]:
    """Yield each run of intervals that lack something."""
    padded = np.concatenate(([False], missing, [False]))
    first, last = np.flatnonzero(padded[1:] != padded[:-1]).reshape(-1, 2).T.tolist()
    for start, end in zip(first, last, strict=True):
        span = TimeRange(
            lowered.start + start * lowered.resolution, lowered.start + end * lowered.resolution
        )
        yield BillGap(range=span, reason=reason)
