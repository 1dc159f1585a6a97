"""Shares one power among several: by weight, up to what each can take, and none too little."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_EPSILON = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Taker(Generic[K]):
    """Who takes a share: at most `most_w`, in proportion to `weight`.

    Less than `least_w` it does not take at all, if `strict`; else it rather leaves that to others.
    Of those that would get too little, the one of the lowest `preference` goes without.
    """

    key: K
    most_w: float
    weight: float
    least_w: float = 0.0
    strict: bool = False
    preference: tuple[float, ...] = ()


def share_out(total_w: float, takers: Sequence[Taker[K]]) -> dict[K, float]:
    """Return everybody's share of a power that is not negative [W]; what nobody can take is left.

    Of 6 kW, two that take 5 kW each get 3 kW; of 8 kW, one with three times the weight gets 5 kW,
    its most, and the other 3 kW.
    """
    taking = [each for each in takers if each.most_w > _EPSILON and each.weight > _EPSILON]
    while taking:
        shares = _by_weight(total_w, taking)
        short = [each for each in taking if shares[each.key] < each.least_w - _EPSILON]
        if len(taking) == 1:
            short = [each for each in short if each.strict]
        if not short:
            break
        taking.remove(min(short, key=lambda each: each.preference))
    given = _by_weight(total_w, taking)
    return {each.key: given.get(each.key, 0.0) for each in takers}


def _by_weight(total_w: float, takers: Sequence[Taker[K]]) -> dict[K, float]:
    """Fill all at the pace of their weights; what one cannot take goes to the others."""
    shares: dict[K, float] = {}
    left, open_ = total_w, list(takers)
    while open_:
        pace = left / sum(each.weight for each in open_)
        full = [each for each in open_ if each.most_w <= pace * each.weight]
        if not full:
            shares |= {each.key: pace * each.weight for each in open_}
            break
        for each in full:
            shares[each.key] = each.most_w
            left -= each.most_w
        open_ = [each for each in open_ if each.key not in shares]
    return shares
