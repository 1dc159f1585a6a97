"""An order to a device that ends by itself, or holds for good."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What a device was told; `end` None: until it is told otherwise."""

    value: float
    end: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        """Return whether it still holds."""
        return self.end is None or moment < self.end


def told(order: Order | None, moment: datetime) -> float | None:
    """Return what holds at a moment; None: nothing."""
    return order.value if order is not None and order.holds(moment) else None


def next_end(after: datetime, *orders: Order | None) -> datetime | None:
    """Return when one of some orders ends next; None: none does."""
    ends = (each.end for each in orders if each is not None and each.end is not None)
    return min((end for end in ends if end > after), default=None)
