"""Limits that owners have put on sites, groups and their nodes with control, for a plan."""

from dataclasses import dataclass
from datetime import datetime

from wattmesh_kernel.time import TimeRange

ASKED_ELSEWHERE = frozenset({"demandresponse", "site-model"})
"""Owners whose limits a plan has from where they come from: events of programmes, and topology."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnersLimit:
    """Most power at the grid connection of a site, or of a group's together [W]; None: no bound.

    With `node` it is what flows from above into that node of the subject's topology. `max_phase_…`
    is for every single conductor. It holds until `end`; `start` None: already.
    """

    name: str
    subject: str
    start: datetime | None
    end: datetime
    max_import_w: float | None = None
    max_export_w: float | None = None
    max_phase_import_w: float | None = None
    max_phase_export_w: float | None = None
    node: str = ""

    def within(self, target: TimeRange) -> TimeRange | None:
        """Return when it holds within a plan's horizon; None: not at all."""
        start = target.start if self.start is None else max(self.start, target.start)
        return None if start >= self.end else TimeRange(start, self.end).intersect(target)


def bounds_w(
    min_power_w: float | None, max_power_w: float | None
) -> tuple[float | None, float | None]:
    """Return most import and most export [W] of bounds on a power that is positive inwards.

    What must be drawn at least is no limit of an export, nor what must be given one of an import:
    a site cannot be made to have either, and is held to nothing there.
    """
    imports = None if max_power_w is None else max(max_power_w, 0.0)
    exports = None if min_power_w is None else max(-min_power_w, 0.0)
    return imports, exports
