"""What each device, and each site of a group, may have of a limit."""

from collections.abc import Mapping, Sequence
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
    limit: Limit,
    needs: Sequence[Need],
    rest_w: float,
    before: Mapping[DeviceId, Limit],
    conductors_w: Sequence[float] = (0.0, 0.0, 0.0),
) -> dict[DeviceId, Share] | None:
    """Return the devices' shares of a limit; None when those that they have are good enough.

    `rest_w` is what else is drawn under it, importing positive, `conductors_w` in L1, L2 and L3. A
    bound that a device keeps whatever it does is left out. Of several bounds (in all, and in each
    conductor) each is shared by itself, and a device keeps to the tightest of its shares: none is
    exceeded, though what the others leave goes to nobody.
    """
    upper = _Side.of(
        _bounds(limit.max_power_w, limit.max_phase_power_w, rest_w, conductors_w),
        needs,
        {device: each.max_power_w for device, each in before.items()},
    )
    lower = _Side.of(
        _bounds(
            _negative(limit.min_power_w),
            _negative(limit.min_phase_power_w),
            -rest_w,
            [-each for each in conductors_w],
        ),
        [each.mirrored() for each in needs],
        {device: _negative(each.min_power_w) for device, each in before.items()},
    )
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
class _Bound:
    """What may be drawn in all, or in one conductor, beside what is drawn anyway."""

    left_w: float
    most_w: float
    conductor: int | None = None

    def part(self, need: Need) -> float:
        """Return which part of a device's power it is about."""
        return 1.0 if self.conductor is None else need.parts[self.conductor]

    def shared(self, needs: Sequence[Need]) -> dict[DeviceId, float]:
        """Return the most power of each device that it is about."""
        on = {each.device: self.part(each) for each in needs if self.part(each) > 0}
        within = [each.within(on[each.device]) for each in needs if each.device in on]
        given_w = share_out(self.left_w, within)
        return {device: given_w[device] / part for device, part in on.items()}


def _bounds(
    whole_w: float | None,
    conductor_w: float | None,
    rest_w: float,
    conductors_w: Sequence[float],
) -> list[_Bound]:
    found = [] if whole_w is None else [_Bound(left_w=whole_w - rest_w, most_w=whole_w)]
    if conductor_w is not None:
        found += [
            _Bound(left_w=conductor_w - drawn_w, most_w=conductor_w, conductor=index)
            for index, drawn_w in enumerate(conductors_w)
        ]
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class _Side:
    """One direction of a limit, with power in it positive; without a bound it is good."""

    shares_w: Mapping[DeviceId, float] | None
    good: bool

    @classmethod
    def of(
        cls,
        bounds: Sequence[_Bound],
        needs: Sequence[Need],
        had: Mapping[DeviceId, float | None],
    ) -> "_Side":
        had_w = {device: each for device, each in had.items() if each is not None}
        if not bounds:
            return cls(shares_w=None, good=not had_w)
        shares_w = {each.device: each.able_most_w for each in needs}
        good = True
        for bound in bounds:
            given_w = bound.shared(needs)
            on = [each for each in needs if each.device in given_w]
            good = good and _keeps(bound, had_w, given_w, on)
            for device, each_w in given_w.items():
                shares_w[device] = min(shares_w[device], each_w)
        worth_w = max(_WORTH_RATIO * min(abs(each.most_w) for each in bounds), _LEAST_WORTH_W)
        return cls(shares_w=shares_w, good=good and still_good(had_w, shares_w, needs, worth_w))

    def bound(self, need: Need) -> float | None:
        if self.shares_w is None or self.shares_w[need.device] >= need.able_most_w - _SAME_W:
            return None
        return self.shares_w[need.device]


def _keeps(
    bound: _Bound,
    had_w: Mapping[DeviceId, float],
    given_w: Mapping[DeviceId, float],
    on: Sequence[Need],
) -> bool:
    """Whether what devices had comes to no more than what they may have under a bound."""
    had = sum(bound.part(each) * had_w.get(each.device, each.able_most_w) for each in on)
    return had <= sum(bound.part(each) * given_w[each.device] for each in on) + 1.0
