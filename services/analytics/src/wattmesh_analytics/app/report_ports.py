"""What monthly reports need from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from wattmesh_analytics.domain.monthly import (
    DeliveryState,
    Made,
    Month,
    MonthlyReport,
    ReportFile,
    Subject,
)
from wattmesh_analytics.domain.report import Format


@dataclass(frozen=True, slots=True)
class Sent:
    """The server has taken it on."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """It was not handed over, and may be later."""

    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The server will not take it, however often it is asked."""

    why: str


@dataclass(frozen=True, slots=True)
class Unsure:
    """It was handed over, and the line broke before the server said what of it."""

    why: str


Outcome: TypeAlias = Sent | NotSent | Refused | Unsure


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """A mail to one recipient; `key` is the same whenever the same mail is made."""

    key: str
    recipient: str
    title: str
    words: str
    files: tuple[ReportFile, ...]


class Mailer(Protocol):
    """Hands mails to a server."""

    async def send(self, mail: Mail) -> Outcome:
        """Try once."""


class ReportStore(Protocol):
    """Where monthly reports are kept. Errors: Unavailable."""

    async def newest(self, subjects: Sequence[Subject]) -> Mapping[Subject, Month]:
        """Return the newest month of each subject that has a report."""

    async def put(self, made: Made) -> None:
        """Keep a report with its deliveries; one that is kept already stays."""

    async def doubt(self, now: datetime) -> None:
        """Take note that nobody is sending by now: what was under way may have been sent."""

    async def waiting(self) -> Sequence[tuple[MonthlyReport, str]]:
        """Return the reports that wait to be sent, each with a recipient, oldest first."""

    async def move(
        self,
        report: MonthlyReport,
        recipient: str,
        before: DeliveryState,
        after: DeliveryState,
        now: datetime,
        message: str = "",
    ) -> bool:
        """Take a delivery from one state to another; False: it was in another state."""

    async def get(self, subject: Subject, month: Month) -> MonthlyReport:
        """Return a report. Error: NotFound `REPORT_NOT_FOUND`."""

    async def files(self, subject: Subject, month: Month) -> Mapping[Format, ReportFile]:
        """Return a report's files. Error: NotFound `REPORT_NOT_FOUND`."""

    async def page(
        self, subject: Subject | None, after: tuple[Month, str] | None, limit: int
    ) -> Sequence[MonthlyReport]:
        """Return reports, newest month first, then by subject."""
