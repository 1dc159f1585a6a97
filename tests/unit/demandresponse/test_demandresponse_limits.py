"""Limits announced, changed, withdrawn and expired in the middle of intervals, at random."""

import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from wattmesh_demandresponse.domain.enrolment import Enrolment
from wattmesh_demandresponse.domain.event import Event, LimitAsked
from wattmesh_demandresponse.domain.participation import begun
from wattmesh_demandresponse.domain.rules import called_off, changed
from wattmesh_demandresponse.domain.site_limits import SiteLimit, next_limits
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.programme_ids import EnrolmentId, EventId, ProgrammeId
from wattmesh_kernel.time import TimeRange

ID = ProgrammeId("street")
START = datetime(2024, 5, 15, tzinfo=UTC)
LOOK = timedelta(seconds=30)
"""How often limits are looked at; a meter interval is a minute."""
METER_INTERVAL = timedelta(minutes=1)
SPAN = timedelta(minutes=20)
HOME = Enrolment(
    id=EnrolmentId(ID, "home"),
    subject="sites/home",
    start_time=START - timedelta(days=1),
    opted_in_by_default=True,
)
CASES = int(os.environ.get("LIMIT_CASES", "250"))
"""1,000 take four times as long."""


class Case:
    """Events of one site, of which something changes at random seconds."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.events: dict[int, Event] = {}

    def asked(self, number: int, now: datetime) -> Event:
        """Something to come, or something that has begun already."""
        count, step = self.chance.randint(1, 4), timedelta(seconds=self.chance.randint(20, 400))
        start = now + timedelta(seconds=self.chance.randint(-60, 600))
        imports = tuple(float(self.chance.randint(0, 50) * 100) for _ in range(count))
        return Event(
            id=EventId(ID, f"e{number}"),
            range=TimeRange.of(start, count * step),
            resolution=step,
            asked=LimitAsked(max_import_w=imports),
            announce_time=now,
        )

    def act(self, now: datetime) -> None:
        """Announce, change or withdraw."""
        number = self.chance.randint(0, 3)
        kept = self.events.get(number)
        if kept is None or kept.over(now):
            self.events[number] = self.asked(number, now)
        elif self.chance.random() < 0.5:
            self.events[number] = called_off(kept, now)
        else:
            wanted = replace(
                kept,
                range=TimeRange.of(kept.range.start, kept.range.duration),
                asked=LimitAsked(
                    max_import_w=tuple(
                        float(self.chance.randint(0, 50) * 100) for _ in range(kept.count)
                    )
                ),
                modification_number=kept.modification_number + 1,
            )
            try:
                self.events[number] = changed(kept, wanted, now)
            except FailedPrecondition:
                assert kept.over(now)

    def limit(self, now: datetime) -> SiteLimit | None:
        """What would be placed now."""
        events = [(each, [begun(each, HOME, None)]) for each in self.events.values()]
        return next_limits(events, now).get("sites/home")

    def due_w(self, now: datetime) -> float | None:
        """What is asked at an instant, worked out by itself."""
        found = []
        for each in self.events.values():
            if each.held.contains(now):
                assert isinstance(each.asked, LimitAsked)
                found.append(each.asked.max_import_w[(now - each.range.start) // each.step])
        return min(found, default=None)


def kept_w(limit: SiteLimit | None, now: datetime) -> float | None:
    return None if limit is None or not limit.span.contains(now) else limit.max_power_w


def seconds_of(case: Case) -> Iterator[tuple[datetime, bool]]:
    """Yield instants, and whether something is done at them: about one in thirty."""
    now = START
    while now < START + SPAN:
        yield now, case.chance.random() < 0.03
        now += timedelta(seconds=case.chance.randint(3, 11))


def exceeded(case: Case) -> Sequence[timedelta]:
    """Return for how long more was allowed than one limit asks, each time that it was."""
    placed: SiteLimit | None = None
    looked, found = START - LOOK, []
    since: datetime | None = None
    before_w: float | None = None
    for now, acts in seconds_of(case):
        if acts:
            case.act(now)
        while looked + LOOK <= now:
            looked += LOOK
            placed = case.limit(looked)
        due_w, allowed_w = case.due_w(now), kept_w(placed, now)
        if due_w is None or (allowed_w is not None and allowed_w <= due_w):
            since = None
        else:
            since = now if since is None or due_w != before_w else since
            found.append(now - since)
        before_w = due_w
    return found


def test_no_limit_is_exceeded_for_longer_than_a_meter_interval() -> None:
    worst = [max(exceeded(Case(seed)), default=timedelta(0)) for seed in range(CASES)]

    assert max(worst) <= METER_INTERVAL
    assert sum(each > timedelta(0) for each in worst) > 0, "changes are met between two looks"


def test_what_is_placed_is_what_is_asked_and_for_as_long_as_nothing_changes() -> None:
    for seed in range(100):
        case = Case(seed)
        for now, acts in seconds_of(case):
            if acts:
                case.act(now)
            limit = case.limit(now)
            assert kept_w(limit, now) == case.due_w(now)
            if limit is not None:
                assert case.due_w(limit.span.end - timedelta(microseconds=1)) == limit.max_power_w
