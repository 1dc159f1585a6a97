"""What each device, and each site of a group, may have of a limit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from wattmesh_control.domain.headroom import Need, share_out, still_good
from wattmesh_control.domain.limits import Limit
from wattmesh_kernel.ids import DeviceId, SiteId

_WORTH_RATIO = 0.02
_LEAST_WORTH_W = 50.0
_SAME_W = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """Bounds of one device's or site's power [W], into it positive; None: none."""

    min_power_w: float | None = None
    max_power_w: float | None = None

    @property
    def binds(self) -> bool:
        """Whether there is a bound at all."""
        return self.min_power_w is not None or self.max_power_w is not None


def shares_of(
    limit: Limit, needs: Sequence[Need], rest_w: float, before: Mapping[DeviceId, Limit]
) -> dict[DeviceId, Share] | None:
    """Return the devices' shares of a limit; None when those that they have are good enough.

    `rest_w` is what else is drawn under it, importing positive. A bound that a device keeps
    whatever it does is left out.
    """
    upper = _Side.upper(limit, needs, rest_w, before)
    lower = _Side.lower(limit, needs, rest_w, before)
    same_time = all(
        (each.start_time, each.expire_time) == (limit.start_time, limit.expire_time)
        for each in before.values()
    )
    if same_time and upper.good and lower.good:
        return None
    return {
        each.device: Share(
            min_power_w=_negative(lower.bound(each.mirrored())), max_power_w=upper.bound(each)
        )
        for each in needs
    }


def site_shares_of(
    limit: Limit,
    needs: Sequence[Need],
    shares: Mapping[DeviceId, Share],
    rests_w: Mapping[SiteId, float],
) -> dict[SiteId, Share]:
    """Return what each site of a group may have at its grid connection, together the limit.

    That is what its devices may have, what else it draws, and an equal part of what is left.
    """
    sites = sorted({each.device.site for each in needs}, key=str)
    most = {site: rests_w.get(site, 0.0) for site in sites}
    least = dict(most)
    for need in needs:
        share, site = shares[need.device], need.device.site
        most[site] += need.able_most_w if share.max_power_w is None else share.max_power_w
        least[site] += need.able_least_w if share.min_power_w is None else share.min_power_w
    return {
        site: Share(
            min_power_w=_part(limit.min_power_w, least, site),
            max_power_w=_part(limit.max_power_w, most, site),
        )
        for site in sites
    }


def _part(bound_w: float | None, powers_w: Mapping[SiteId, float], site: SiteId) -> float | None:
    if bound_w is None:
        return None
    return powers_w[site] + (bound_w - sum(powers_w.values())) / len(powers_w)


def _negative(power_w: float | None) -> float | None:
    return None if power_w is None else -power_w


@dataclass(frozen=True, kw_only=True, slots=True)
class _Side:
    """One bound of a limit, with power in its direction positive; without a bound it is good."""

    shares_w: Mapping[DeviceId, float] | None
    good: bool

    @classmethod
    def upper(
        cls, limit: Limit, needs: Sequence[Need], rest_w: float, before: Mapping[DeviceId, Limit]
    ) -> "_Side":
        return cls._of(limit.max_power_w, needs, rest_w, before, lambda each: each.max_power_w)

    @classmethod
    def lower(
        cls, limit: Limit, needs: Sequence[Need], rest_w: float, before: Mapping[DeviceId, Limit]
    ) -> "_Side":
        mirrored = [each.mirrored() for each in needs]
        bound_w = _negative(limit.min_power_w)
        return cls._of(
            *(bound_w, mirrored, -rest_w, before),
            lambda each: _negative(each.min_power_w),
        )

    @classmethod
    def _of(
        cls,
        bound_w: float | None,
        needs: Sequence[Need],
        rest_w: float,
        before: Mapping[DeviceId, Limit],
        bound_of: Callable[[Limit], float | None],
    ) -> "_Side":
        had = {device: bound_of(each) for device, each in before.items()}
        had_w = {device: each for device, each in had.items() if each is not None}
        if bound_w is None:
            return cls(shares_w=None, good=not had_w)
        shares_w = share_out(bound_w - rest_w, needs)
        worth_w = max(_WORTH_RATIO * abs(bound_w), _LEAST_WORTH_W)
        return cls(shares_w=shares_w, good=still_good(had_w, shares_w, needs, worth_w))

    def bound(self, need: Need) -> float | None:
        if self.shares_w is None or self.shares_w[need.device] >= need.able_most_w - _SAME_W:
            return None
        return self.shares_w[need.device]
