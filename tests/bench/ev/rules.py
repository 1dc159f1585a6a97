"""Plain rules: earliest deadline first, least laxity first. They are told the true departures."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from tests.bench.ev.place import LEAST_W, LIMIT_W, MOST_W
from tests.bench.ev.simulate import Charging

_HOUR = timedelta(hours=1)

Order = Callable[[Charging, datetime], float]


def deadline(charging: Charging, start: datetime) -> float:
    """Return how long it stays [h]."""
    return (charging.visit.departure - start) / _HOUR


def laxity(charging: Charging, start: datetime) -> float:
    """Return how long it could wait and still be full when it leaves [h]."""
    return deadline(charging, start) - charging.left_wh / MOST_W


class InOrder:
    """Charges at once with all there is, in an order, as far as the limit goes."""

    def __init__(self, order: Order) -> None:
        self._order = order

    def decide(
        self, now: datetime, start: datetime, there: Sequence[Charging]
    ) -> Mapping[str, float]:
        """Return the power of each [W]."""
        told, left_w = {}, LIMIT_W
        for charging in sorted(there, key=lambda each: self._order(each, start)):
            power_w = min(MOST_W, left_w) if charging.left_wh > 0 else 0.0
            told[charging.visit.id] = power_w if power_w >= LEAST_W else 0.0
            left_w -= told[charging.visit.id]
        return told

    def left(self, charging: Charging) -> None:
        """Nothing is learned."""
