"""When a site was an island, and of which commands meters say nothing then: pure.

A battery that forms an island gives and takes what the site needs, whatever it is told; and the
grid meter shows nothing, so no step of the site vouches for a device's own word.
"""

from collections.abc import Iterable
from datetime import datetime

from wattmesh_control.domain.effects.sources import Sources
from wattmesh_control.domain.effects.windows import Held
from wattmesh_kernel.sites import BatteryRating, Rating
from wattmesh_kernel.time import TimeRange


def islands_within(span: TimeRange, told: Iterable[tuple[datetime, bool]]) -> list[TimeRange]:
    """Return the parts of a span in which a site was an island.

    `told`: when it became one (True), or was one no longer, oldest first, also before the span.
    """
    found = list[TimeRange]()
    began: datetime | None = None
    for time, begins in told:
        if begins:
            began = time if began is None else began
        elif began is not None:
            found.append(TimeRange(began, max(time, began)))
            began = None
    if began is not None:
        found.append(TimeRange(began, max(span.end, began)))
    return [each for each in found if each.start < span.end and each.end > span.start]


def hidden_by(
    islands: Iterable[TimeRange], held: Held, rating: Rating | None, sources: Sources
) -> bool:
    """Whether a command was held in an island in which nobody can tell what it did."""
    within = any(each.start < held.end and each.end > held.sent for each in islands)
    return within and (isinstance(rating, BatteryRating) or sources.other is None)
