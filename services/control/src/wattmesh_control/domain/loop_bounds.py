"""What a loop keeps at a grid connection: its rating, what owners allow, what a plan counts on."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from wattmesh_control.domain.exchange import ExchangeInterval, peaks_of
from wattmesh_control.domain.limits import Limit
from wattmesh_kernel.ids import LimitId, SiteId
from wattmesh_kernel.loop_policy import POWER_OF_PHASE, LoopLimit, LoopPolicy, NetPower
from wattmesh_kernel.sites import Asset, Device, GridConnectionRating, Phase

_MOST_LIMITS = 64
_LONGEST_NAME = 128
_CONDUCTORS = (Phase.L1, Phase.L2, Phase.L3)


def bounds_of(
    connection: Asset,
    meters: Sequence[Device],
    limits: Collection[Limit],
    planned: Sequence[ExchangeInterval],
) -> tuple[LoopLimit, ...]:
    """Return the bounds of a grid connection; what it bears by its rating comes first."""
    owners = _owners_bounds(connection.id.site.name, limits, _shown_phases(meters))
    return (*_bounds(connection, meters), *owners, *peaks_of(planned))[:_MOST_LIMITS]


def target_of(planned: Sequence[ExchangeInterval]) -> tuple[NetPower | None, datetime | None]:
    """Return what batteries without a command are to keep at the connection, and until when."""
    if not planned or planned[0].net_power_w is None:
        return None, None
    return NetPower(power_w=planned[0].net_power_w), planned[0].span.end


def kept_limits(
    limits: Collection[Limit], policies: Collection[LoopPolicy]
) -> dict[tuple[LimitId, SiteId], Limit]:
    """Return the limits that owners put there which loops keep by these policies, and where.

    A site's share of a group's limit stands for that one.
    """
    bounds = {each.site.name: {bound.id for bound in each.limits} for each in policies}
    owners = {each.limit: each for each in limits}
    found: dict[tuple[LimitId, SiteId], Limit] = {}
    for limit in limits:
        ids = bounds.get(limit.subject)
        if ids is None or not ids & {
            each.id for each in _owners_bounds(limit.subject, [limit], _CONDUCTORS)
        }:
            continue
        whole = owners.get(limit.parent or limit.limit)
        if whole is not None:
            found[whole.limit, SiteId.parse(limit.subject)] = whole
    return found


def _bounds(connection: Asset, meters: Sequence[Device]) -> tuple[LoopLimit, ...]:
    """Return the connection's limits: those of conductors where every meter shows each of them."""
    assert isinstance(connection.rating, GridConnectionRating)
    rating = connection.rating
    bounds = []
    if rating.max_import_power_w is not None or rating.max_export_power_w is not None:
        bounds.append(
            LoopLimit(
                id="the connection's limit",
                max_import_power_w=rating.max_import_power_w,
                max_export_power_w=rating.max_export_power_w,
            )
        )
    into, out = rating.max_phase_import_power_w, rating.max_phase_export_power_w
    if into is None and out is None:
        return tuple(bounds)
    return (*bounds, *(_phase_limit(phase, into, out) for phase in _shown_phases(meters)))


def _shown_phases(meters: Sequence[Device]) -> list[Phase]:
    """Return the conductors of which every meter shows the power."""
    return [
        phase
        for phase in _CONDUCTORS
        if all(POWER_OF_PHASE[phase] in each.points for each in meters)
    ]


def _phase_limit(phase: Phase, into: float | None, out: float | None) -> LoopLimit:
    return LoopLimit(
        id=f"the limit of {phase.value.upper()}",
        phase=phase,
        max_import_power_w=into,
        max_export_power_w=out,
    )


def _owners_bounds(
    site: str, limits: Collection[Limit], shown: Sequence[Phase]
) -> Iterator[LoopLimit]:
    """Give what owners allow the site, and its part of what they allow its group."""
    for limit in limits:
        if limit.subject != site:
            continue
        name = str(limit)
        if (limit.min_power_w, limit.max_power_w) != (None, None):
            yield _owners_bound(limit, name, Phase.THREE, limit.min_power_w, limit.max_power_w)
        for phase in shown if limit.bounds_phases else ():
            bounds_w = limit.min_phase_power_w, limit.max_phase_power_w
            yield _owners_bound(limit, f"{phase.value.upper()}: {name}", phase, *bounds_w)


def _owners_bound(
    limit: Limit, name: str, phase: Phase, least: float | None, most: float | None
) -> LoopLimit:
    return LoopLimit(
        id=name[:_LONGEST_NAME],
        phase=phase,
        max_import_power_w=None if most is None else max(most, 0.0),
        max_export_power_w=None if least is None else max(-least, 0.0),
        start=limit.start_time,
        expire=limit.expire_time,
    )
