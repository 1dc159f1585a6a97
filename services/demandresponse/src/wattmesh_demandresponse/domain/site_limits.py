"""What events of limits mean for sites now: one limit a site or group, the tightest of all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from wattmesh_demandresponse.domain.event import Event, LimitAsked, Powers
from wattmesh_demandresponse.domain.participation import Participation
from wattmesh_kernel.time import TimeRange


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteLimit:
    """A limit of the power at the grid connections of a subject [W], import positive."""

    subject: str
    span: TimeRange
    min_power_w: float | None
    max_power_w: float | None
    reason: str


def next_limits(
    events: Iterable[tuple[Event, Iterable[Participation]]], now: datetime
) -> Mapping[str, SiteLimit]:
    """Return, by subject, the limit that holds now, or that begins next.

    Where several events bound one subject, the tightest bound holds. A limit lasts as long as
    nothing about it changes.
    """
    asked: dict[str, list[Event]] = {}
    for event, parts in events:
        if isinstance(event.asked, LimitAsked) and not event.over(now):
            for part in parts:
                if part.takes_part:
                    asked.setdefault(part.subject, []).append(event)
    found = {subject: _next(subject, each, now) for subject, each in asked.items()}
    return {subject: limit for subject, limit in found.items() if limit is not None}


def _next(subject: str, events: list[Event], now: datetime) -> SiteLimit | None:
    bounds = sorted({moment for event in events for moment in _bounds(event)})
    limit: SiteLimit | None = None
    for start, end in pairwise(bounds):
        here = _within(subject, events, TimeRange(start, end))
        if end <= now or (limit is None and here is None):
            continue
        if limit is None:
            limit = here
        elif here is not None and _same(limit, here) and limit.span.end == start:
            limit = _lasting(limit, end)
        else:
            break
    return limit


def _bounds(event: Event) -> list[datetime]:
    return [*event.range.starts(event.step), event.range.end]


def _within(subject: str, events: list[Event], span: TimeRange) -> SiteLimit | None:
    holding = [each for each in events if each.held.covers(span)]
    imports = [w for each in holding if (w := _value(each, span, exported=False)) is not None]
    exports = [w for each in holding if (w := _value(each, span, exported=True)) is not None]
    if not imports and not exports:
        return None
    return SiteLimit(
        subject=subject,
        span=span,
        min_power_w=-min(exports) if exports else None,
        max_power_w=min(imports) if imports else None,
        reason=", ".join(sorted(each.id.name for each in holding))[:1000],
    )


def _value(event: Event, span: TimeRange, *, exported: bool) -> float | None:
    assert isinstance(event.asked, LimitAsked)
    column: Powers = event.asked.max_export_w if exported else event.asked.max_import_w
    return column[(span.start - event.range.start) // event.step] if column else None


def _same(one: SiteLimit, other: SiteLimit) -> bool:
    return (
        one.min_power_w == other.min_power_w
        and one.max_power_w == other.max_power_w
        and one.reason == other.reason
    )


def _lasting(limit: SiteLimit, end: datetime) -> SiteLimit:
    return SiteLimit(
        subject=limit.subject,
        span=TimeRange(limit.span.start, end),
        min_power_w=limit.min_power_w,
        max_power_w=limit.max_power_w,
        reason=limit.reason,
    )
