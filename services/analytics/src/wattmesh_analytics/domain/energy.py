"""Energies that went in and out, per interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Energy:
    """Energy into and out of something per interval [Wh], not negative, NaN: not metered.

    Both series have the same intervals. `estimated`: 1 in those whose energy is not as it was
    metered, else 0; None where all is.
    """

    import_wh: Series
    export_wh: Series
    estimated: Series | None = None

    @classmethod
    def of_net(cls, net_wh: Series) -> "Energy":
        """Return what a net energy is when nothing goes both ways within an interval."""
        return cls(
            import_wh=net_wh.with_values(np.maximum(net_wh.values, 0.0)),
            export_wh=net_wh.with_values(np.maximum(-net_wh.values, 0.0)),
        )

    @property
    def range(self) -> TimeRange:
        """The time it speaks of."""
        return self.import_wh.range

    @property
    def hours(self) -> float:
        """The length of an interval [h]."""
        return self.import_wh.resolution.total_seconds() / 3600

    @property
    def net_wh(self) -> Floats:
        """Import less export, shape (n,)."""
        return self.import_wh.values - self.export_wh.values

    @property
    def known(self) -> Bools:
        """In which intervals both were metered, shape (n,)."""
        return np.isfinite(self.import_wh.values) & np.isfinite(self.export_wh.values)

    @property
    def is_estimated(self) -> Bools:
        """In which intervals it is known, and not as it was metered, shape (n,)."""
        if self.estimated is None:
            return np.zeros(len(self.import_wh), np.bool_)
        return self.known & (self.estimated.values > 0)

    def moved(self, change_wh: Floats, *, keep_both_ways: bool) -> "Energy":
        """Return it with so much more going in per interval [Wh], negative: less, or more out.

        What went both ways within an interval still does, or is netted. 500 Wh in and 200 out with
        400 less are 200 in and 300 out, or 100 out.
        """
        netted = Energy.of_net(self.import_wh.with_values(self.net_wh + change_wh))
        if not keep_both_ways:
            return netted
        both_wh = np.minimum(self.import_wh.values, self.export_wh.values)
        return Energy(
            import_wh=netted.import_wh.with_values(netted.import_wh.values + both_wh),
            export_wh=netted.export_wh.with_values(netted.export_wh.values + both_wh),
        )

    def window(self, span: TimeRange) -> "Energy":
        """Return the part in `span`."""
        return Energy(
            import_wh=self.import_wh.window(span),
            export_wh=self.export_wh.window(span),
            estimated=None if self.estimated is None else self.estimated.window(span),
        )

    def only(self, intervals: Bools) -> "Energy":
        """Return it with all intervals but these not known."""
        return Energy(
            import_wh=self.import_wh.with_values(
                np.where(intervals, self.import_wh.values, np.nan)
            ),
            export_wh=self.export_wh.with_values(
                np.where(intervals, self.export_wh.values, np.nan)
            ),
            estimated=self.estimated,
        )

    def total_kwh(self) -> tuple[float, float]:
        """Return what went in and out over all intervals that are known [kWh]."""
        known = self.known
        return (
            float(self.import_wh.values[known].sum()) / 1000,
            float(self.export_wh.values[known].sum()) / 1000,
        )


def added_up(energies: Sequence[Energy]) -> Energy:
    """Return the energies of several as one; an interval that one lacks is not known."""
    first = energies[0]
    return Energy(
        import_wh=first.import_wh.with_values(
            np.sum([each.import_wh.values for each in energies], axis=0)
        ),
        export_wh=first.export_wh.with_values(
            np.sum([each.export_wh.values for each in energies], axis=0)
        ),
        estimated=any_estimated(energies),
    )


def any_estimated(energies: Sequence[Energy]) -> Series | None:
    """Return 1 where any of several is estimated, else 0; None where none of them says."""
    said = [each.estimated for each in energies if each.estimated is not None]
    if not said:
        return None
    return said[0].with_values(np.max([each.values for each in said], axis=0))


def total_net_wh(energies: Sequence[Energy]) -> Floats:
    """Return the net energies of several added up [Wh]; NaN where any is not known."""
    return np.asarray(np.sum([each.net_wh for each in energies], axis=0), dtype=np.float64)


def peak_kw(net_wh: Floats, hours: float) -> float:
    """Return the highest mean power [kW]; 0 where nothing is known or all is negative.

    2,500 Wh in half an hour are 5 kW.
    """
    known = net_wh[np.isfinite(net_wh)]
    return max(float(known.max()), 0.0) / hours / 1000 if known.size else 0.0
