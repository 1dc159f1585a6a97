"""What an asset took, beside what it would have taken by a plain rule."""

from dataclasses import dataclass

from wattmesh_analytics.domain.energy import Floats
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """Energy into an asset less what came out per interval [Wh], as metered and by its rule.

    Both have the same intervals; NaN: not known.
    """

    metered: Series
    ruled: Series

    @property
    def change_wh(self) -> Floats:
        """How much more the rule takes, shape (n,)."""
        return self.ruled.values - self.metered.values

    def window(self, span: TimeRange) -> "Moved":
        """Return the part in `span`."""
        return Moved(metered=self.metered.window(span), ruled=self.ruled.window(span))
