"""What of a payment to a group is a site's."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.money import Money

_CENT = Decimal("0.01")


def share_of(
    payment: Money, site: SiteId, sites: Sequence[SiteId], held_w: Mapping[SiteId, float]
) -> Money | None:
    """Return a site's share of what a group was paid, to the cent; None: it is not in the group.

    By what each has held for the group [W], where a promise says so; else in equal parts: what the
    group's meters show together says of nobody whose it was. Shares add up to the payment: each is
    what the sites up to it (by name) have together, rounded, less what those before it have. 1.00
    for three sites is 0.33, 0.34, 0.33.
    """
    if site not in sites:
        return None
    ordered = sorted(sites, key=lambda each: each.name)
    parts = [max(held_w.get(each, 0.0), 0.0) for each in ordered]
    if not sum(parts):
        parts = [1.0] * len(ordered)
    place = ordered.index(site)
    whole = Decimal(repr(sum(parts)))
    before, until = (
        (payment.amount * Decimal(repr(sum(parts[:count]))) / whole).quantize(
            _CENT, ROUND_HALF_EVEN
        )
        for count in (place, place + 1)
    )
    # The last one has what is left, so that nothing of an amount finer than a cent is lost.
    until = payment.amount if place + 1 == len(ordered) else until
    return Money(until - before, payment.currency_code)
