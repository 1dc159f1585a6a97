"""How members follow the meter though they have a command: by what energy is worth.

A plan knows a site's load as it was expected. What the meter shows instead is served from a store,
or stored, as far as that is worth more than the grid's price: 1 kWh of load is taken from a battery
at 0.22 a kWh imported while a stored one is worth 0.19 later, and from the grid while it is worth
0.51. Nothing is moved further than to no exchange with the grid: what a plan buys ahead or sells on
purpose stays its own. Where the grid pays for a reduction, each kWh less earns that besides, down
to a floor: to there a store gives, though that be an export, and it gives no more than that if what
it keeps is worth more than the energy alone.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from wattmesh_gateway.domain.loop.standing import Slot, Standing
from wattmesh_kernel.worth import EnergyWorth, StoredWorth

_MARGIN_RATIO = 0.05
"""What is gained must be more than this part of a price: forecasts are not that good."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Follower:
    """A member that follows the meter; `least_w` and `most_w` are its powers, as full as it is."""

    slot: Slot
    asked_w: float
    least_w: float
    most_w: float
    stored: StoredWorth
    soc_ratio: float

    @property
    def value_per_kwh(self) -> float:
        """What one more kWh in its store is worth."""
        return self.stored.value_per_kwh(self.soc_ratio)

    def lower(self) -> Iterator["_Part"]:
        """Give how it may draw less or give more than is asked, and what a kWh of that forgoes."""
        value, store = self.value_per_kwh, self.stored
        if self.asked_w > 0:
            yield _Part(self, self.asked_w, value * store.charge_efficiency_ratio)
        room_w = min(self.asked_w, 0.0) - self.least_w
        if room_w > 0 and self.soc_ratio > store.kept_soc_ratio:
            yield _Part(self, room_w, value / store.discharge_efficiency_ratio)

    def higher(self) -> Iterator["_Part"]:
        """Give how it may draw more or give less than is asked, and what a kWh of that brings."""
        value, store = self.value_per_kwh, self.stored
        if self.asked_w < 0:
            worth = value / store.discharge_efficiency_ratio
            yield _Part(self, -self.asked_w, worth, gives_less=True)
        room_w = self.most_w - max(self.asked_w, 0.0)
        if room_w > 0:
            yield _Part(self, room_w, value * store.charge_efficiency_ratio)


@dataclass(frozen=True, slots=True)
class _Part:
    follower: _Follower
    room_w: float
    value_per_kwh: float
    gives_less: bool = False


@dataclass(frozen=True, slots=True)
class _Prices:
    """What a kWh costs at the connection, by the power there, importing positive.

    `floor_w`: above it a reduction is paid, inf where none is. As other bounds it is kept with
    something to spare.
    """

    worth: EnergyWorth
    floor_w: float

    @staticmethod
    def of(worth: EnergyWorth, spare_w: float) -> "_Prices":
        if worth.reduction_price_per_kwh <= 0:
            return _Prices(worth, math.inf)
        floor_w = worth.reduction_floor_w
        return _Prices(worth, -math.inf if floor_w is None else floor_w - spare_w)

    @property
    def lowest_w(self) -> float:
        """Down to which members may draw less for what the meter shows."""
        return min(self.floor_w, 0.0)

    @property
    def highest_w(self) -> float:
        """Up to which they may draw more."""
        return 0.0 if math.isinf(self.floor_w) else max(self.floor_w, 0.0)

    def edge_below(self, net_w: float) -> float:
        """Return down to where a kWh less is worth the same."""
        return max((each for each in (self.floor_w, 0.0) if each < net_w), default=-math.inf)

    def edge_above(self, net_w: float) -> float:
        """Return up to where a kWh more costs the same."""
        return min((each for each in (self.floor_w, 0.0) if each > net_w), default=math.inf)

    def saved_per_kwh(self, net_w: float) -> float:
        """Return what a kWh less brings, less what must be gained."""
        price, margin = self._at(imports=net_w > 0, paid=net_w > self.floor_w)
        return price - margin

    def cost_per_kwh(self, net_w: float) -> float:
        """Return what a kWh more costs, and what must be gained."""
        price, margin = self._at(imports=net_w >= 0, paid=net_w >= self.floor_w)
        return price + margin

    def _at(self, *, imports: bool, paid: bool) -> tuple[float, float]:
        worth = self.worth
        price = worth.import_price_per_kwh if imports else worth.export_price_per_kwh
        besides = worth.reduction_price_per_kwh if paid else 0.0
        return price + besides, _MARGIN_RATIO * (abs(worth.import_price_per_kwh) + besides)


def trimmed(
    standings: Sequence[Standing], worth: EnergyWorth, shown_w: float, dead_band_w: float
) -> dict[Slot, float]:
    """Return what members with a store that is worth something should be told [W]; no others.

    `shown_w`: what the meter shows, importing positive. Where members may be leaves the rest of the
    site in an interval, and so what each should do: it moves to the nearest end, and not at all
    within, nor for less than the dead band.
    """
    known = {each.slot: each for each in standings}
    followers = [each for each in map(_follower, standings) if each is not None]
    if not followers:
        return {}
    moved = [known[each.slot] for each in followers]
    prices = _Prices.of(worth, dead_band_w)
    most = _powers_w(followers, prices, shown_w - sum(each.most_w for each in moved))
    least = _powers_w(followers, prices, shown_w - sum(each.least_w for each in moved))
    return {
        each.slot: _told(known[each.slot], each, least[each.slot], most[each.slot], dead_band_w)
        for each in followers
    }


def _follower(standing: Standing) -> _Follower | None:
    if standing.stored is None or standing.asked_w is None or standing.soc_ratio is None:
        return None
    least_w, most_w = standing.member.powers_w
    return _Follower(
        slot=standing.slot,
        asked_w=standing.inside(standing.asked_w),
        least_w=least_w if standing.discharge_room() > 0 else 0.0,
        most_w=most_w if standing.charge_room() > 0 else 0.0,
        stored=standing.stored,
        soc_ratio=standing.soc_ratio,
    )


def _told(
    standing: Standing, follower: _Follower, least_w: float, most_w: float, dead_band_w: float
) -> float:
    """Return what it is told: what it is asked if nothing speaks against that."""
    if least_w <= follower.asked_w <= most_w and least_w == most_w:
        return follower.asked_w
    nearest_w = min(max(standing.now_w, least_w), most_w)
    small = abs(nearest_w - standing.now_w) <= dead_band_w
    return standing.now_w if small else nearest_w


def _powers_w(followers: Sequence[_Follower], prices: _Prices, rest_w: float) -> dict[Slot, float]:
    """Return what each should have while the site would exchange `rest_w` without them [W]."""
    powers_w = {each.slot: each.asked_w for each in followers}
    asked_w = rest_w + sum(powers_w.values())
    if not _lower((part for each in followers for part in each.lower()), powers_w, prices, asked_w):
        _raise((part for each in followers for part in each.higher()), powers_w, prices, asked_w)
    return powers_w


def _lower(
    parts: Iterable[_Part], powers_w: dict[Slot, float], prices: _Prices, net_w: float
) -> bool:
    """Have members draw less, the cheapest first; return whether any does."""
    moved = False
    for part in sorted(parts, key=lambda each: each.value_per_kwh):
        room_w = part.room_w
        while room_w > 0 and net_w > prices.lowest_w:
            if part.value_per_kwh > prices.saved_per_kwh(net_w):
                return moved
            edge_w = prices.edge_below(net_w)
            taken_w, moved = min(room_w, net_w - edge_w), True
            powers_w[part.follower.slot] -= taken_w
            room_w -= taken_w
            net_w = max(net_w - taken_w, edge_w)
    return moved


def _raise(
    parts: Iterable[_Part], powers_w: dict[Slot, float], prices: _Prices, net_w: float
) -> None:
    """Have members draw more, the dearest first: from the grid none does, but it may give less."""
    for part in sorted(parts, key=lambda each: -each.value_per_kwh):
        room_w, highest_w = part.room_w, prices.highest_w if part.gives_less else 0.0
        while room_w > 0 and net_w < highest_w:
            if part.value_per_kwh < prices.cost_per_kwh(net_w):
                return
            edge_w = prices.edge_above(net_w)
            taken_w = min(room_w, edge_w - net_w)
            powers_w[part.follower.slot] += taken_w
            room_w -= taken_w
            net_w = min(net_w + taken_w, edge_w)
