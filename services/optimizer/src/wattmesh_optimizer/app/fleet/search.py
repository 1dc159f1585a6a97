"""Prices, replies and choices, until the plan is good enough or time is over."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.app.fleet.master import Choice, Master, Near, Offers, Prices
from wattmesh_optimizer.app.fleet.sites import FleetSites, Reply
from wattmesh_optimizer.domain.checks import Floats

TOWARDS_NEW = 0.8
"""How far prices go from the best so far towards those of the last choice."""

FIRST_WIDTH = 0.3
"""How far prices may go from the best so far, over the largest of them."""

WIDER = 3.0
CLOSE_RATIO = 0.002
"""Where a choice that breaks the balance is so near the bound, prices may go further."""

LEAST_TO_CHOOSE = timedelta(seconds=0.2)

MOST_ROUNDS = 60


@dataclass(slots=True, eq=False)
class Search:
    """State of the search; `lot_of` says by site to which lot it belongs.

    `bound`: no plan costs less, with what weighs but costs nothing. `rounds` done so far.
    `found`: the cheapest choice so far that balances, at `cost`.
    """

    sites: FleetSites
    master: Master
    lot_of: NDArray[np.int64]
    left: Callable[[], timedelta]
    replies: list[Reply] = field(default_factory=list)
    choice: Choice | None = None
    best: Prices | None = None
    bound: float = -np.inf
    rounds: int = 0
    cost: float = np.inf
    found: Choice | None = None

    def start(self, first: Prices, exchanges_kw: Floats) -> None:
        """Take a first offer of every site, made for what cohorts shall exchange."""
        reply = self.sites.balanced_reply(first.per_kw, exchanges_kw, self.left)
        if reply is not None:
            self.best = first
            self.replies.append(reply)
            self.master.add(self._offered(reply, 0))
            self.rounds += 1
            self.choice = self.master.choose(max(self.left(), LEAST_TO_CHOOSE))

    def run(self, first: Prices, gap_ratio: float, offset: float) -> None:
        """Search from these prices on; `offset`: what sites cost whatever they do."""
        prices, width = first, FIRST_WIDTH * float(np.abs(first.per_kw).max(initial=0.0)) + 1e-3
        while self.rounds < MOST_ROUNDS and (reply := self.sites.reply(prices.per_kw, self.left)):
            self.rounds += 1
            best = self._take(reply, prices)
            choice = self.master.choose(self.left(), Near(best, width))
            if choice is None:
                return
            self.choice = choice
            if choice.is_plan and choice.cost < self.cost:
                self.cost, self.found = choice.cost, choice
            scale = max(abs(choice.cost + offset), 1e-6)
            if self.cost - self.bound <= gap_ratio * scale:
                return
            if not choice.is_plan and choice.cost - self.bound < CLOSE_RATIO * scale:
                width *= WIDER
            prices = best.towards(choice.prices, TOWARDS_NEW)

    def settle(self, time_limit: timedelta) -> Choice | None:
        """Return the cheapest choice that balances, else the last one; None where there is none."""
        if self.found is None and self.choice is not None:
            self.found = self.master.choose(time_limit)
        return self.found or self.choice

    def _take(self, reply: Reply, prices: Prices) -> Prices:
        """Take a reply's bound and what it offers that is new; return the best prices so far."""
        offered = self._offered(reply, len(self.replies))
        self.replies.append(reply)
        bound = prices.shared + float(self.master.priced(offered, prices).sum())
        if self.best is None or bound > self.bound:
            self.best, self.bound = prices, bound
        if self.choice is not None and self.rounds > 2:
            offered = offered.those(self.master.reduced_costs(offered, self.choice) < -1e-7)
        self.master.add(offered)
        return self.best

    def _offered(self, reply: Reply, number: int) -> Offers:
        count = len(self.master.cohort_of)
        return Offers(
            lots=np.arange(count),
            replies=np.full(count, number),
            nets_kw=self._summed(reply.nets_kw),
            costs=self._summed(reply.costs),
        )

    def _summed(self, by_site: Floats) -> Floats:
        total = np.zeros((len(self.master.cohort_of), *by_site.shape[1:]))
        np.add.at(total, self.lot_of, by_site)
        return total
