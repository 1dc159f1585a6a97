"""Read monthly reports, page by page."""

from collections.abc import Sequence

from wattmesh_analytics.app.report_ports import ReportStore
from wattmesh_analytics.domain.monthly import (
    Month,
    MonthlyReport,
    ReportFile,
    Subject,
    subject_of,
)
from wattmesh_analytics.domain.report import Format
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.paging import page_size


class ListReports:
    """Gives the reports that were made, and what became of sending them."""

    def __init__(self, store: ReportStore) -> None:
        self._store = store

    async def get(
        self, subject: Subject, month: Month, written_in: Format
    ) -> tuple[MonthlyReport, ReportFile]:
        """Return a report with its file. Error: NotFound `REPORT_NOT_FOUND`."""
        report = await self._store.get(subject, month)
        return report, (await self._store.files(subject, month))[written_in]

    async def page(
        self, subject: Subject | None, size: int, token: str
    ) -> tuple[Sequence[MonthlyReport], str]:
        """Return a page, newest month first, and the token of the next."""
        count = page_size(size)
        found = await self._store.page(subject, _place(token), count + 1)
        page = found[:count]
        more = len(found) > count
        return page, f"{page[-1].month} {page[-1].subject.name}" if more else ""


def _place(token: str) -> tuple[Month, str] | None:
    if not token:
        return None
    text, _, name = token.partition(" ")
    try:
        return month_from_text(text), subject_of(name).name
    except InvalidArgument as error:
        raise InvalidArgument(
            "INVALID_PAGE_TOKEN", "not a page token of this list", field="page_token"
        ) from error


def month_from_text(text: str) -> Month:
    """Return the month of `2024-05`. Error: InvalidArgument."""
    year, _, month = text.partition("-")
    right = len(year) == 4 and len(month) == 2 and (year + month).isdecimal() and text.isascii()
    if not right or not 1 <= int(month) <= 12 or not int(year):
        raise InvalidArgument("INVALID_NAME", f"{text!r} is no month like 2024-05", field="name")
    return Month(int(year), int(month))
