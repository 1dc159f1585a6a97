"""How members follow the meter though they have a command: by what energy is worth.

A plan knows a site's load as it was expected. What the meter shows instead is served from a store,
or stored, as far as that is worth more than the grid's price: 1 kWh of load is taken from a battery
at 0.22 a kWh imported while a stored one is worth 0.19 later, and from the grid while it is worth
0.51. Nothing is moved further than to no exchange with the grid: what a plan buys ahead or sells on
purpose stays its own.
"""

from collections.abc import Iterator, Sequence
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
            yield _Part(self, -self.asked_w, value / store.discharge_efficiency_ratio)
        room_w = self.most_w - max(self.asked_w, 0.0)
        if room_w > 0:
            yield _Part(self, room_w, value * store.charge_efficiency_ratio)


@dataclass(frozen=True, slots=True)
class _Part:
    follower: _Follower
    room_w: float
    value_per_kwh: float


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
    most = _powers_w(followers, worth, shown_w - sum(each.most_w for each in moved))
    least = _powers_w(followers, worth, shown_w - sum(each.least_w for each in moved))
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


def _powers_w(
    followers: Sequence[_Follower], worth: EnergyWorth, rest_w: float
) -> dict[Slot, float]:
    """Return what each should have while the site would exchange `rest_w` without them [W]."""
    powers_w = {each.slot: each.asked_w for each in followers}
    net_w = rest_w + sum(powers_w.values())
    margin = _MARGIN_RATIO * abs(worth.import_price_per_kwh)
    if net_w > 0:
        cheapest_first = sorted(
            (part for each in followers for part in each.lower()),
            key=lambda part: part.value_per_kwh,
        )
        for part in cheapest_first:
            if part.value_per_kwh > worth.import_price_per_kwh - margin:
                break
            taken_w = min(part.room_w, net_w)
            powers_w[part.follower.slot] -= taken_w
            net_w -= taken_w
    else:
        dearest_first = sorted(
            (part for each in followers for part in each.higher()),
            key=lambda part: -part.value_per_kwh,
        )
        for part in dearest_first:
            if part.value_per_kwh < worth.export_price_per_kwh + margin:
                break
            taken_w = min(part.room_w, -net_w)
            powers_w[part.follower.slot] += taken_w
            net_w += taken_w
    return powers_w
