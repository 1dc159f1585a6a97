"""A tariff over intervals, as plain arrays: what the optimizer solves and a bill adds up.

With import and export energies `x`, `y` [kWh] of the n intervals, the cost is

    import_price_per_kwh @ x - export_price_per_kwh @ y            energy, coincident peaks
    + sum over tiers of the cost of the counted energy beyond what was used
    + sum over demands of price_per_kw * (billed_kw - billed_before_kw)
    + sum over fixed of amount * units.sum()

and `wattmesh_kernel.tariff.evaluate` computes exactly that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.tariff.charges import EnergyDirection
from wattmesh_kernel.tariff.state import BillingState
from wattmesh_kernel.time import TimeRange

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class ChargeCause(Enum):
    """Why an amount is due."""

    IMPORT_ENERGY = "import_energy"
    EXPORT_ENERGY = "export_energy"
    TIER = "tier"
    DEMAND = "demand"
    COINCIDENT_PEAK = "coincident_peak"
    FIXED = "fixed"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PriceComponent:
    """One part of the price of energy in a direction.

    `units_per_kwh[n]` says how much of `unit` a kWh counts as (the share of a time-of-use period,
    1/h for kW over an event); `price_per_kwh[n]` is what a kWh costs by it, NaN when missing.
    """

    cause: ChargeCause
    direction: EnergyDirection
    name: str
    unit: str
    units_per_kwh: Floats
    price_per_kwh: Floats
    part: TimeRange | None = None
    """The time in which it holds, where the tariff changes; None: all of it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LoweredTier:
    """A tiered rate in one billing period.

    Counted is `counted_ratio[n]` of each interval's energy (0 outside the period), on top of
    `used_kwh`. Beyond `from_kwh[k]`, up to the next, a kWh costs `price_per_kwh[k]`.
    """

    rate_id: str
    direction: EnergyDirection
    period: TimeRange
    counted_ratio: Floats
    used_kwh: float
    from_kwh: Floats
    price_per_kwh: Floats
    part: TimeRange | None = None

    def segments(self) -> tuple[Floats, Floats]:
        """Return widths [kWh] and prices [currency/kWh] of what lies ahead of `used_kwh`.

        The last width is infinite. With tiers of 0.1 from 100 kWh and 0.2 from 300 kWh and 250 kWh
        used: widths (50, inf), prices (0.1, 0.2).
        """
        starts = np.concatenate(([0.0], self.from_kwh))
        ends = np.concatenate((self.from_kwh, [np.inf]))
        widths = ends - np.maximum(starts, self.used_kwh)
        ahead = widths > 0
        return widths[ahead], np.concatenate(([0.0], self.price_per_kwh))[ahead]

    @property
    def convex(self) -> bool:
        """True when the cheapest segment comes first, so that a linear programme prices it."""
        steps = np.diff(self.segments()[1])
        return bool(np.all(steps >= 0 if self.direction is EnergyDirection.IMPORT else steps <= 0))

    def price(self, energy_kwh: float) -> float:
        """Return what `energy_kwh` counted ahead of `used_kwh` costs; for export, what it earns."""
        widths, prices = self.segments()
        starts = np.concatenate(([0.0], np.cumsum(widths[:-1])))
        return float(prices @ np.clip(energy_kwh - starts, 0.0, widths))


@dataclass(frozen=True, kw_only=True, slots=True)
class RatchetLink:
    """The demand billed is at least `share_ratio` of the peak of demand number `demand`."""

    demand: int
    share_ratio: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LoweredDemand:
    """A demand charge in one billing period (or day).

    Average number `block_index[k]` contains interval `interval_index[k]` with `weight`:
    `average_kw[b] = offset_kw[b] + weight * sum(import_kw[i] for its intervals i)`. An average that
    goes on after the span counts with what it has by then, which is the least it can become.

    `peak_kw = max(peak_so_far_kw, average_kw)`; `billed_kw = max(peak_kw, floor_kw, share_ratio *
    peak_kw of each ratchet link)`; the cost is `price_per_kw * (billed_kw - billed_before_kw)`.
    """

    charge_id: str
    name: str
    period: TimeRange
    price_per_kw: float
    interval_index: Ints
    block_index: Ints
    block_starts_s: Ints
    """Seconds since 1970."""
    offset_kw: Floats
    weight: float
    averaging: timedelta
    peak_so_far_kw: float
    floor_kw: float
    billed_before_kw: float
    ratchets: tuple[RatchetLink, ...] = ()
    part: TimeRange | None = None

    def averages_kw(self, import_kw: Floats) -> Floats:
        """Return the clocked averages [kW], shape `(blocks,)`, of mean powers `import_kw[n]`."""
        sums = np.bincount(
            self.block_index, import_kw[self.interval_index], minlength=len(self.offset_kw)
        )
        return np.asarray(self.offset_kw + self.weight * sums)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LoweredFixed:
    """A fixed charge: `units[n]` days or billing periods pass in each interval, at `amount`."""

    name: str
    unit: str
    units: Floats
    amount: float
    part: TimeRange | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LoweredTariff:
    """A tariff over n intervals of length `resolution` from `start` on.

    `import_price_per_kwh[n]` and `export_price_per_kwh[n]` hold everything that is linear in
    energy (coincident peaks too), NaN where a price is missing; `components` are its parts.
    `import_limit_w[n]` and `export_limit_w[n]` are infinite without a limit. `state` is what came
    before; `keep_peaks_from` and `keep_tiers_from` say since when records matter after the span.
    """

    currency_code: str
    start: datetime
    resolution: timedelta
    import_price_per_kwh: Floats
    export_price_per_kwh: Floats
    import_limit_w: Floats
    export_limit_w: Floats
    components: tuple[PriceComponent, ...]
    tiers: tuple[LoweredTier, ...]
    demands: tuple[LoweredDemand, ...]
    fixed: tuple[LoweredFixed, ...]
    state: BillingState
    keep_peaks_from: Mapping[str, datetime]
    keep_tiers_from: datetime

    def __len__(self) -> int:
        return len(self.import_price_per_kwh)

    @property
    def range(self) -> TimeRange:
        """The time it covers."""
        return TimeRange.of(self.start, len(self) * self.resolution)

    @property
    def hours(self) -> float:
        """The length of an interval [h]."""
        return self.resolution / timedelta(hours=1)

    def price_per_kwh(self, direction: EnergyDirection) -> Floats:
        """Return the linear price of one direction, shape `(n,)`."""
        if direction is EnergyDirection.IMPORT:
            return self.import_price_per_kwh
        return self.export_price_per_kwh

    def with_assumed_prices(
        self, import_price_per_kwh: Floats, export_price_per_kwh: Floats
    ) -> "LoweredTariff":
        """Return it with missing prices replaced, e.g. by a forecast, for planning.

        Prices that are known stay; each replaced one becomes a component "Assumed price".
        """
        imports = _assume(self, EnergyDirection.IMPORT, import_price_per_kwh)
        exports = _assume(self, EnergyDirection.EXPORT, export_price_per_kwh)
        known = tuple(
            replace(each, price_per_kwh=np.nan_to_num(each.price_per_kwh, nan=0.0))
            for each in self.components
        )
        missing_import = np.isnan(self.import_price_per_kwh)
        missing_export = np.isnan(self.export_price_per_kwh)
        return replace(
            self,
            components=(*known, imports, exports),
            import_price_per_kwh=np.where(
                missing_import, import_price_per_kwh, self.import_price_per_kwh
            ),
            export_price_per_kwh=np.where(
                missing_export, export_price_per_kwh, self.export_price_per_kwh
            ),
        )


def _assume(lowered: LoweredTariff, direction: EnergyDirection, assumed: Floats) -> PriceComponent:
    missing = np.isnan(lowered.price_per_kwh(direction))
    known = np.zeros(len(lowered))
    for each in lowered.components:
        if each.direction is direction:
            known += np.nan_to_num(each.price_per_kwh, nan=0.0)
    imported = direction is EnergyDirection.IMPORT
    return PriceComponent(
        cause=ChargeCause.IMPORT_ENERGY if imported else ChargeCause.EXPORT_ENERGY,
        direction=direction,
        name="Assumed price",
        unit="kWh",
        units_per_kwh=missing.astype(np.float64),
        price_per_kwh=np.where(missing, assumed - known, 0.0),
    )
