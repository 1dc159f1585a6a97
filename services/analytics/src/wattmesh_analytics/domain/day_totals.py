"""What days came to: how a change of one of them is seen without reading it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True, slots=True)
class DayTotals:
    """What went in and out of a site's connection in a day [Wh]; NaN: not known."""

    import_wh: float
    export_wh: float

    @property
    def known(self) -> bool:
        """Whether anything was metered."""
        return bool(np.isfinite([self.import_wh, self.export_wh]).any())

    def same(self, other: "DayTotals | None") -> bool:
        """Tell whether nothing has changed; what was not known and is not is the same."""
        return other is not None and np.array_equal(
            [self.import_wh, self.export_wh], [other.import_wh, other.export_wh], equal_nan=True
        )
