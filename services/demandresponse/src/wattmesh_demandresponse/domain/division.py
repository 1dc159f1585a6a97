"""How what a group holds for a reserve is divided among its sites."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wattmesh_demandresponse.domain.event import Powers
from wattmesh_kernel.checks import require
from wattmesh_kernel.ids import SiteId

_FIELD = "commitment.sites"
_TOLERANCE_W = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteHolding:
    """What a site of a group holds, per interval of the event [W], beside what is planned there.

    `planned_w` is import positive; `up_w` and `down_w` are magnitudes; empty: nothing.
    """

    site: SiteId
    planned_w: Powers = ()
    up_w: Powers = ()
    down_w: Powers = ()

    def __post_init__(self) -> None:
        powers = (*self.planned_w, *self.up_w, *self.down_w)
        require(bool(np.isfinite(powers).all()), "INVALID_VALUE", "powers are finite", _FIELD)
        least = min((*self.up_w, *self.down_w), default=0.0)
        require(least >= 0, "INVALID_VALUE", "what sites hold are magnitudes", _FIELD)


def check_division(sites: Sequence[SiteHolding], count: int) -> None:
    """Raise InvalidArgument unless each site is named once, with a value for each interval."""
    names = {each.site for each in sites}
    require(len(names) == len(sites), "REPEATED_SITE", "each site is named once", _FIELD)
    for each in sites:
        for values in (each.planned_w, each.up_w, each.down_w):
            fits = len(values) in (0, count)
            message = f"{each.site}: {len(values)} values for {count} intervals"
            require(fits, "INVALID_LENGTH", message, _FIELD)


def check_whole(sites: Sequence[SiteHolding], up_w: Powers, down_w: Powers) -> None:
    """Raise InvalidArgument unless sites hold together what is promised."""
    for promised, parts in (
        (up_w, [each.up_w for each in sites]),
        (down_w, [each.down_w for each in sites]),
    ):
        held = np.zeros(len(promised))
        for part in parts:
            held = held + np.array(part) if part and promised else held
        off_w = float(np.abs(held - np.array(promised)).max(initial=0.0))
        message = f"sites hold {off_w:g} W more or less than is promised"
        require(off_w <= _TOLERANCE_W, "INVALID_VALUE", message, _FIELD)


def divided_anew(
    before: Sequence[SiteHolding], after: Sequence[SiteHolding], passed: int, count: int
) -> tuple[SiteHolding, ...]:
    """Return a division whose first `passed` intervals stay as they were."""
    old = {each.site: each for each in before}
    new = {each.site: each for each in after}

    def joined(site: SiteId) -> SiteHolding:
        one, other = old.get(site), new.get(site)

        def column(name: str) -> Powers:
            values = [
                tuple(getattr(each, name)) if each is not None and getattr(each, name) else None
                for each in (one, other)
            ]
            none = (0.0,) * count
            if values == [None, None]:
                return ()
            return ((values[0] or none)[:passed]) + ((values[1] or none)[passed:])

        return SiteHolding(
            site=site, **{name: column(name) for name in ("planned_w", "up_w", "down_w")}
        )

    return tuple(joined(site) for site in {**old, **new})


def divided(sites: Sequence[SiteHolding], index: int, asked_w: float) -> Mapping[SiteId, float]:
    """Return what an interval's signal asks of each site [W], import positive.

    It is shared as what is held then: -3 kW of sites that hold 4 and 2 kW up are -2 and -1 kW.
    Where nobody holds any more what was promised, all share it alike.
    """
    columns = {each.site: each.up_w if asked_w < 0 else each.down_w for each in sites}
    held = {site: column[index] if column else 0.0 for site, column in columns.items()}
    whole = sum(held.values())
    if not whole:
        return {site: asked_w / len(held) for site in held}
    return {site: asked_w * power_w / whole for site, power_w in held.items()}
