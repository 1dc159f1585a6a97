"""What a programme allows: calling, changing and calling off events, whatever state they are in."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from wattmesh_demandresponse.domain.event import (
    Asked,
    Event,
    EventState,
    LimitAsked,
    Powers,
    PriceAsked,
    ReductionAsked,
    ReserveAsked,
)
from wattmesh_demandresponse.domain.programme import Programme
from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import FailedPrecondition


def check_allowed(
    event: Event, programme: Programme, others: Collection[Event], now: datetime
) -> None:
    """Raise unless a programme allows an event beside `others`, its own that were not called off.

    Errors: InvalidArgument for another kind; FailedPrecondition `EVENT_IS_OVER`,
    `NOTICE_TOO_SHORT`, `EVENT_TOO_LONG`, `TOO_MANY_EVENTS`.
    """
    require(
        event.kind is programme.event_kind,
        "EVENT_KIND_MISMATCH",
        f"{programme.id} has events of kind {programme.event_kind.value}",
        event.kind.value,
    )
    if event.range.end <= now:
        raise FailedPrecondition("EVENT_IS_OVER", f"{event.id} would be over already")
    if event.range.start - event.announce_time < programme.notice:
        raise FailedPrecondition(
            "NOTICE_TOO_SHORT", f"{programme.id} has a notice of {programme.notice}"
        )
    longest = programme.longest_event
    if longest is not None and event.range.duration > longest:
        raise FailedPrecondition("EVENT_TOO_LONG", f"{programme.id} has events of {longest}")
    _check_count(event, programme, others)


def _check_count(event: Event, programme: Programme, others: Collection[Event]) -> None:
    zone = programme.zone
    day = event.range.start.astimezone(zone).date()
    days = [
        each.range.start.astimezone(zone).date()
        for each in others
        if each.id != event.id and each.cancel_time is None
    ]
    same_day = sum(each == day for each in days)
    same_year = sum(each.year == day.year for each in days)
    for most, found, what in (
        (programme.most_events_per_day, same_day, "day"),
        (programme.most_events_per_year, same_year, "year"),
    ):
        if most and found >= most:
            raise FailedPrecondition(
                "TOO_MANY_EVENTS", f"{programme.id} has at most {most} events a {what}"
            )


def changed(kept: Event, wanted: Event, now: datetime) -> Event:
    """Return an event as it is after a change; the kept one when the change is an older one.

    What has passed of it stays: once it has begun, its start and the values of intervals that have
    ended. A change without a number of its own counts as the next.

    Error: FailedPrecondition `EVENT_IS_OVER`, or `EVENT_HAS_BEGUN` when it would begin otherwise.
    """
    if wanted.modification_number < kept.modification_number:
        return kept
    same = replace(wanted, modification_number=kept.modification_number, told_state=kept.told_state)
    if same == kept:
        return replace(kept, modification_number=wanted.modification_number)
    state = kept.state(now)
    if state in (EventState.COMPLETED, EventState.CANCELLED):
        raise FailedPrecondition("EVENT_IS_OVER", f"{kept.id} is {state.value}: it never changes")
    if state is EventState.ACTIVE:
        wanted = _with_its_past(kept, wanted, now)
    return replace(
        wanted,
        modification_number=max(wanted.modification_number, kept.modification_number + 1),
        told_state=kept.told_state,
    )


def _with_its_past(kept: Event, wanted: Event, now: datetime) -> Event:
    begins_otherwise = (
        wanted.range.start != kept.range.start
        or wanted.kind is not kept.kind
        or (wanted.step != kept.step and not _is_one_interval(kept, wanted))
    )
    if begins_otherwise:
        raise FailedPrecondition(
            "EVENT_HAS_BEGUN", f"{kept.id} has begun: its start and intervals stay"
        )
    passed = min((now - kept.range.start) // kept.step, kept.count, wanted.count)
    return replace(wanted, asked=_spliced(kept.asked, wanted.asked, passed, wanted.count))


def _is_one_interval(kept: Event, wanted: Event) -> bool:
    """Whether an event in one piece is made longer or shorter in one piece."""
    return kept.count == 1 and wanted.count == 1


def _spliced(kept: Asked, wanted: Asked, passed: int, count: int) -> Asked:
    """Return what is wanted, with the first `passed` values as they were."""

    def of(before: Powers, after: Powers) -> Powers:
        return (*before[:passed], *after[passed:]) if len(before) and len(after) == count else after

    match kept, wanted:
        case LimitAsked(), LimitAsked():
            return replace(
                wanted,
                max_import_w=of(kept.max_import_w, wanted.max_import_w),
                max_export_w=of(kept.max_export_w, wanted.max_export_w),
                max_phase_import_w=of(kept.max_phase_import_w, wanted.max_phase_import_w),
                max_phase_export_w=of(kept.max_phase_export_w, wanted.max_phase_export_w),
            )
        case PriceAsked(), PriceAsked():
            return replace(
                wanted,
                import_per_kwh=of(kept.import_per_kwh, wanted.import_per_kwh),
                export_per_kwh=of(kept.export_per_kwh, wanted.export_per_kwh),
            )
        case ReductionAsked(), ReductionAsked():
            return replace(wanted, powers_w=of(kept.powers_w, wanted.powers_w))
        case ReserveAsked(), ReserveAsked():
            return ReserveAsked(
                up_w=of(kept.up_w, wanted.up_w), down_w=of(kept.down_w, wanted.down_w)
            )
        case _:
            return wanted


def called_off(event: Event, now: datetime) -> Event:
    """Return an event that is called off; one that is over stays as it is."""
    return event if event.over(now) else replace(event, cancel_time=now)
