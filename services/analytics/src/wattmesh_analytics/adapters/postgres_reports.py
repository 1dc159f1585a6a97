"""Monthly reports in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from wattmesh_analytics.domain.monthly import (
    Delivery,
    DeliveryState,
    Made,
    Month,
    MonthlyReport,
    ReportFile,
    Subject,
    subject_of,
)
from wattmesh_analytics.domain.report import Format
from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.database import Database

_NEWEST = """
SELECT subject, max(month) AS month FROM monthly_reports WHERE subject = ANY(%s) GROUP BY subject
"""
_PUT = """
INSERT INTO monthly_reports (subject, month, start_time, end_time, make_time, words)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_PUT_FILE = """
INSERT INTO report_files (subject, month, format, name, media_type, content)
VALUES (%s, %s, %s, %s, %s, %s)
"""
_PUT_DELIVERY = """
INSERT INTO report_deliveries (subject, month, recipient, state, time) VALUES (%s, %s, %s, %s, %s)
"""
_DOUBT = """
UPDATE report_deliveries SET state = 'unsure', time = %s,
    message = 'whoever sent it ended before the server said what of it'
WHERE state = 'sending'
"""
_MOVE = """
UPDATE report_deliveries SET state = %s, time = %s, message = %s
WHERE subject = %s AND month = %s AND recipient = %s AND state = %s
"""
_SELECT = """
SELECT subject, month, start_time, end_time, make_time, words, (
    SELECT coalesce(jsonb_agg(jsonb_build_object('recipient', recipient, 'state', state,
        'time', extract(epoch FROM time), 'message', message) ORDER BY recipient), '[]')
    FROM report_deliveries AS sent WHERE sent.subject = one.subject AND sent.month = one.month
) AS deliveries
FROM monthly_reports AS one
"""
_GET = f"{_SELECT} WHERE subject = %s AND month = %s"
_WAITING = f"""
{_SELECT} WHERE EXISTS (SELECT FROM report_deliveries AS sent WHERE sent.subject = one.subject
    AND sent.month = one.month AND sent.state = 'waiting')
ORDER BY month, subject
"""
_PAGE = f"""
{_SELECT} WHERE (%(subject)s = '' OR subject = %(subject)s)
    AND (%(month)s = '' OR month < %(month)s OR (month = %(month)s AND subject > %(after)s))
ORDER BY month DESC, subject LIMIT %(limit)s
"""


class PostgresReportStore:
    """ReportStore, in the tables `monthly_reports`, `report_files` and `report_deliveries`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self, subjects: Sequence[Subject]) -> Mapping[Subject, Month]:
        """Return the newest month of each subject that has a report."""
        rows = await self._rows(_NEWEST, ([each.name for each in subjects],))
        return {subject_of(row["subject"]): month_of(row["month"]) for row in rows}

    async def put(self, made: Made) -> None:
        """Keep a report with its deliveries; one that is kept already stays."""
        report = made.report
        key = (report.subject.name, str(report.month))
        values = (*key, report.range.start, report.range.end, report.make_time, report.words)
        async with self._database.transaction() as connection:
            if not (await connection.execute(_PUT.encode(), values)).rowcount:
                return
            cursor = connection.cursor()
            for written_in, file in made.files.items():
                told = (*key, written_in.value, file.name, file.media_type, file.content)
                await cursor.execute(_PUT_FILE.encode(), told)
            for each in report.deliveries:
                sent = (*key, each.recipient, each.state.value, each.time)
                await cursor.execute(_PUT_DELIVERY.encode(), sent)

    async def doubt(self, now: datetime) -> None:
        """Take note that nobody is sending, whatever was under way."""
        async with self._database.connection() as connection:
            await connection.execute(_DOUBT.encode(), (now,))

    async def waiting(self) -> Sequence[tuple[MonthlyReport, str]]:
        """Return the reports that wait to be sent, each with a recipient, oldest first."""
        found = [_report(row) for row in await self._rows(_WAITING, ())]
        return [
            (report, each.recipient)
            for report in found
            for each in report.deliveries
            if each.state is DeliveryState.WAITING
        ]

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
        key = (report.subject.name, str(report.month), recipient, before.value)
        async with self._database.connection() as connection:
            values = (after.value, now, message, *key)
            return bool((await connection.execute(_MOVE.encode(), values)).rowcount)

    async def get(self, subject: Subject, month: Month) -> MonthlyReport:
        """Return a report. Error: NotFound `REPORT_NOT_FOUND`."""
        for row in await self._told(_GET, (subject.name, str(month))):
            return _report(row)
        raise _not_found(subject, month)

    async def files(self, subject: Subject, month: Month) -> Mapping[Format, ReportFile]:
        """Return a report's files. Error: NotFound `REPORT_NOT_FOUND`."""
        rows = await self._told(
            "SELECT format, name, media_type, content FROM report_files"
            " WHERE subject = %s AND month = %s ORDER BY format DESC",
            (subject.name, str(month)),
        )
        if not rows:
            raise _not_found(subject, month)
        return {
            Format(row["format"]): ReportFile(
                name=row["name"], media_type=row["media_type"], content=row["content"]
            )
            for row in rows
        }

    async def page(
        self, subject: Subject | None, after: tuple[Month, str] | None, limit: int
    ) -> Sequence[MonthlyReport]:
        """Return reports, newest month first, then by subject."""
        month, name = ("", "") if after is None else (str(after[0]), after[1])
        values = {
            "subject": "" if subject is None else subject.name,
            "month": month,
            "after": name,
            "limit": limit,
        }
        return [_report(row) for row in await self._told(_PAGE, values)]

    async def _told(self, statement: str, values: Any) -> list[dict[str, Any]]:
        async with self._database.connection_for_caller() as connection:
            return await _fetched(connection, statement, values)

    async def _rows(self, statement: str, values: Any) -> list[dict[str, Any]]:
        async with self._database.connection() as connection:
            return await _fetched(connection, statement, values)


async def _fetched(
    connection: AsyncConnection, statement: str, values: Any
) -> list[dict[str, Any]]:
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(statement.encode(), values)
    return await cursor.fetchall()


def month_of(text: str) -> Month:
    """Return a month as it is kept."""
    year, _, month = text.partition("-")
    return Month(int(year), int(month))


def _report(row: Mapping[str, Any]) -> MonthlyReport:
    make_time: datetime = row["make_time"]
    return MonthlyReport(
        subject=subject_of(row["subject"]),
        month=month_of(row["month"]),
        range=TimeRange(row["start_time"], row["end_time"]),
        make_time=make_time,
        words=row["words"],
        deliveries=tuple(
            Delivery(
                recipient=each["recipient"],
                state=DeliveryState(each["state"]),
                time=datetime.fromtimestamp(each["time"], make_time.tzinfo),
                message=each["message"],
            )
            for each in row["deliveries"]
        ),
    )


def _not_found(subject: Subject, month: Month) -> NotFound:
    return NotFound("REPORT_NOT_FOUND", f"there is no report of {subject} for {month}")
