"""Reports of calendar months: which are due, and what becomes of their delivery."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeAlias
from zoneinfo import ZoneInfo

from wattmesh_analytics.domain.report import Format
from wattmesh_kernel.ids import GroupId, SiteId
from wattmesh_kernel.time import TimeRange

Subject: TypeAlias = SiteId | GroupId

MOST_MADE_UP = 12
"""So many months are made up at most after a time in which none was made."""


def subject_of(name: str, field: str = "name") -> Subject:
    """Return the site or group of a name. Error: InvalidArgument."""
    return (GroupId if name.startswith("groups/") else SiteId).parse(name, field)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month."""

    year: int
    month: int

    @classmethod
    def holding(cls, moment: datetime, zone: ZoneInfo) -> "Month":
        """Return the month of a moment where the zone is."""
        local = moment.astimezone(zone)
        return cls(local.year, local.month)

    def after(self, months: int = 1) -> "Month":
        """Return the month so many later; negative: earlier."""
        count = 12 * self.year + self.month - 1 + months
        return Month(count // 12, count % 12 + 1)

    def span(self, zone: ZoneInfo) -> TimeRange:
        """Return it from midnight to midnight of a zone: an hour less or more in two of them."""
        following = self.after()
        return TimeRange(
            datetime(self.year, self.month, 1, tzinfo=zone),
            datetime(following.year, following.month, 1, tzinfo=zone),
        )

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


def due_months(now: datetime, zone: ZoneInfo, newest: Month | None, wait: timedelta) -> list[Month]:
    """Return the months of which a report is to be made, oldest first.

    A month is due once it has been over for `wait`. After the `newest` that there is a report of,
    each one; where there is none yet, the last month alone.
    """
    last = Month.holding(now - wait, zone).after(-1)
    if newest is None:
        return [last]
    first = max(newest.after(), last.after(1 - MOST_MADE_UP))
    found = []
    while first <= last:
        found.append(first)
        first = first.after()
    return found


class DeliveryState(Enum):
    """What became of a mail; `UNSURE`: the line broke when it was handed over, it stays unsent."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    UNSURE = "unsure"


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """A report on its way to one recipient; `message` says why it is not sent."""

    recipient: str
    state: DeliveryState = DeliveryState.WAITING
    time: datetime
    message: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthlyReport:
    """A report that is kept; `words`: what a mail says beside its files."""

    subject: Subject
    month: Month
    range: TimeRange
    make_time: datetime
    words: str
    deliveries: tuple[Delivery, ...] = ()

    @property
    def name(self) -> str:
        """`sites/{site}/monthly-reports/2024-05`."""
        return f"{self.subject.name}/monthly-reports/{self.month}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportFile:
    """A report as a file."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportOrder:
    """Who gets the monthly report of what; `subject` None: of every site."""

    subject: Subject | None
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A report that was just made, with its files."""

    report: MonthlyReport
    files: Mapping[Format, ReportFile] = field(default_factory=dict)
