"""What events of limits mean now: one limit a site, group or node, the tightest of all."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from wattmesh_demandresponse.domain.event import Event, LimitAsked, Powers
from wattmesh_demandresponse.domain.participation import Participation
from wattmesh_kernel.time import TimeRange


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteLimit:
    """A limit of the power at the grid connections of a subject [W], import positive.

    Of one node when the subject is one; `phase` is of every single conductor.
    """

    subject: str
    span: TimeRange
    min_power_w: float | None
    max_power_w: float | None
    reason: str
    min_phase_power_w: float | None = None
    max_phase_power_w: float | None = None


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
                    node = f"/nodes/{event.asked.node}" if event.asked.node else ""
                    asked.setdefault(part.subject + node, []).append(event)
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

    def least(column: Callable[[LimitAsked], Powers]) -> float | None:
        values = (_value(each, span, column) for each in holding)
        return min((each for each in values if each is not None), default=None)

    imports, exports = least(lambda each: each.max_import_w), least(lambda each: each.max_export_w)
    phase_imports = least(lambda each: each.max_phase_import_w)
    phase_exports = least(lambda each: each.max_phase_export_w)
    if all(each is None for each in (imports, exports, phase_imports, phase_exports)):
        return None
    return SiteLimit(
        subject=subject,
        span=span,
        min_power_w=None if exports is None else -exports,
        max_power_w=imports,
        reason=", ".join(sorted(each.id.name for each in holding))[:1000],
        min_phase_power_w=None if phase_exports is None else -phase_exports,
        max_phase_power_w=phase_imports,
    )


def _value(event: Event, span: TimeRange, column: Callable[[LimitAsked], Powers]) -> float | None:
    assert isinstance(event.asked, LimitAsked)
    values = column(event.asked)
    return values[(span.start - event.range.start) // event.step] if values else None


def _same(one: SiteLimit, other: SiteLimit) -> bool:
    return replace(one, span=other.span) == other


def _lasting(limit: SiteLimit, end: datetime) -> SiteLimit:
    return replace(limit, span=TimeRange(limit.span.start, end))
