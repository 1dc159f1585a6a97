"""What can be delivered of a reduction though more is used than expected.

Whoever follows the meter has its store give what is missing, until it is empty: then all that is
used beyond what was expected is missing. So a promise is what is delivered when a site uses as much
more, all through the event, as it does at most with the confidence of the promise: what is
delivered falls with what is used, and its quantile is that of what is used.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Store:
    """A store in the intervals of an event: what it is planned to give [W] (n,), and can give.

    `most_w`: at most at a time; `energy_wh`: in all, from the first interval on, at the connection.
    """

    given_w: Values
    most_w: float = 0.0
    energy_wh: float = 0.0

    @classmethod
    def none(cls, count: int) -> "Store":
        """Return that there is none that follows the meter."""
        return cls(given_w=np.zeros(count))

    def beside(self, other: "Store") -> "Store":
        """Return two as one."""
        return Store(
            given_w=self.given_w + other.given_w,
            most_w=self.most_w + other.most_w,
            energy_wh=self.energy_wh + other.energy_wh,
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Event:
    """What is counted in consecutive intervals of so many `hours` [W], (n,).

    A reduction counts below `below_w`, import positive, and up to `asked_w`; inf: no limit.
    """

    below_w: Values
    asked_w: Values
    hours: float


def deliverable_w(event: Event, expected_w: Values, more_w: Values, store: Store) -> Values:
    """Return what is delivered in each interval of an event when `more_w` is used [W], (n,).

    `expected_w` is what a site exchanges without its store by the plan, importing positive. It is
    never more than is planned, nor less than 0. The store gives what is missing of what is planned,
    as long as it has any. What is used above the baseline in one interval is not delivered in
    others: the net of an event counts.

    Where 2 kW are expected in each of two hours and 3 kW counted against, 1 kW is planned to be
    given, and 3 kWh are there: if 3 kW are used, 2 kW are delivered and then 1 kW.
    """
    aim_w = np.minimum(event.below_w - expected_w + store.given_w, event.asked_w)
    left_wh, found = store.energy_wh, np.zeros(len(expected_w))
    for index, used_w in enumerate(expected_w + more_w):
        missing_w = used_w - (event.below_w[index] - aim_w[index])
        wanted_w = max(float(missing_w), float(store.given_w[index]), 0.0)
        given_w = min(wanted_w, store.most_w, left_wh / event.hours)
        left_wh -= given_w * event.hours
        found[index] = event.below_w[index] - used_w + given_w
    found = np.minimum(found, aim_w)
    each_w = np.maximum(found, 0.0)
    net_w = max(float(found.sum()), 0.0)
    return each_w if each_w.sum() <= net_w else each_w * (net_w / each_w.sum())
