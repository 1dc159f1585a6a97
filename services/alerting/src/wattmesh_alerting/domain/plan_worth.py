"""What a plan makes of assets by when they use energy, in money."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PlannedAsset:
    """What an asset is planned to do in each interval, shape `(n,)`.

    `powers_w`: into it positive [W]. `kept_kwh`: energy that it would have used anyhow, or keeps
    for later [kWh]: of a store what it holds more, as far as it can be had again; of what consumes
    all that it takes; of generation none. `moved`: a plan decides when, generation comes by itself.
    """

    name: str
    powers_w: Floats
    kept_kwh: Floats
    moved: bool = True


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PlannedSite:
    """A site's exchange with the grid as planned [W], import positive, and its energy prices.

    All of shape `(n,)`; a price is NaN where it is not known.
    """

    start: datetime
    resolution: timedelta
    exchange_w: Floats
    import_price_per_kwh: Floats
    export_price_per_kwh: Floats
    assets: tuple[PlannedAsset, ...]

    @property
    def end(self) -> datetime:
        """When its last interval ends."""
        return self.start + len(self.exchange_w) * self.resolution

    def worth(self, names: Collection[str] | None, begin: datetime, end: datetime) -> float | None:
        """Return what energy costs less from `begin` to `end` as some assets are planned.

        Beside it the site does without what these do, and pays for the energy that they need, or
        keep, at the horizon's mean import price: that is what it costs when nobody chooses the
        time. `names` None: all that are moved. An interval counts by the share of it that lies
        within. Never negative: a plan that loses here gains by something else (a peak, a limit).
        None: none of them is in the plan, or no price is known.

        A battery that takes 1 kWh at 0.10 and gives 0.9 at 0.40 where 0.25 is the mean has
        0.9 x 0.40 - 0.10 = 0.26; a vehicle that takes 10 kWh at 0.10, 10 x (0.25 - 0.10) = 1.50.
        """
        chosen = [
            each for each in self.assets if (each.moved if names is None else each.name in names)
        ]
        known = np.isfinite(self.import_price_per_kwh)
        if not chosen or not known.any():
            return None
        mean_price = float(self.import_price_per_kwh[known].mean())
        powers_w = np.sum([each.powers_w for each in chosen], axis=0)
        kept_kwh = np.sum([each.kept_kwh for each in chosen], axis=0)
        gains = (
            self._cost(self.exchange_w - powers_w)
            - self._cost(self.exchange_w)
            + kept_kwh * mean_price
        )
        return max(float(np.nansum(gains * self._shares(begin, end))), 0.0)

    def _cost(self, exchange_w: Floats) -> Floats:
        kwh = exchange_w / 1000 * (self.resolution / timedelta(hours=1))
        paid = np.where(kwh > 0, self.import_price_per_kwh * kwh, 0.0)
        earned = np.where(kwh < 0, np.nan_to_num(self.export_price_per_kwh) * -kwh, 0.0)
        return np.asarray(paid - earned)

    def _shares(self, begin: datetime, end: datetime) -> Floats:
        starts = np.arange(len(self.exchange_w), dtype=np.float64)
        first, last = ((each - self.start) / self.resolution for each in (begin, end))
        within = np.minimum(starts + 1, last) - np.maximum(starts, first)
        return np.asarray(np.clip(within, 0.0, 1.0))
