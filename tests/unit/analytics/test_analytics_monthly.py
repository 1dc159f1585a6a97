"""Which months' reports are due, who gets them, and what a mail server's answers mean."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.fakes.mail_server import mail_server
from wattmesh_analytics.adapters.mail import MailServer, Security, SmtpMailer
from wattmesh_analytics.adapters.report_orders import read_orders
from wattmesh_analytics.app.keep_reports import ordered
from wattmesh_analytics.app.report_ports import Mail, NotSent, Refused, Sent, Unsure
from wattmesh_analytics.domain.monthly import (
    MOST_MADE_UP,
    Month,
    ReportFile,
    ReportOrder,
    due_months,
)
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.ids import GroupId, SiteId
from wattmesh_kernel.sites import Site, SiteGroup, SiteModel, SiteModelChange

PARIS = ZoneInfo("Europe/Paris")
HOUR = timedelta(hours=1)
ONE, OTHER, CAMPUS = SiteId("home-1"), SiteId("home-2"), GroupId("campus")


def test_a_month_is_as_long_as_it_is_where_the_site_is() -> None:
    hours = {
        str(month): month.span(PARIS).duration / HOUR
        for month in (Month(2024, 2), Month(2024, 3), Month(2024, 10), Month(2023, 2))
    }
    assert hours == {
        "2024-02": 29 * 24,
        "2024-03": 31 * 24 - 1,
        "2024-10": 31 * 24 + 1,
        "2023-02": 28 * 24,
    }


def test_a_month_is_due_when_it_is_over_there_and_readings_had_their_time() -> None:
    """January ends in Paris at 23:00 of UTC."""
    wait, december = 6 * HOUR, Month(2023, 12)
    early, late = (datetime(2024, 2, 1, hour, 59, tzinfo=UTC) for hour in (4, 5))
    assert due_months(early, PARIS, december, wait) == []
    assert due_months(late, PARIS, december, wait) == [Month(2024, 1)]
    assert due_months(late, ZoneInfo("America/Los_Angeles"), december, wait) == []


def test_missed_months_are_made_up_and_what_is_new_begins_with_the_last_month() -> None:
    now = datetime(2024, 3, 10, tzinfo=UTC)
    assert due_months(now, PARIS, Month(2023, 11), HOUR) == [
        *(Month(2023, 12), Month(2024, 1), Month(2024, 2))
    ]
    assert due_months(now, PARIS, None, HOUR) == [Month(2024, 2)]
    assert due_months(now, PARIS, Month(2024, 2), HOUR) == []
    long_ago = due_months(now, PARIS, Month(2019, 1), HOUR)
    assert (len(long_ago), long_ago[-1]) == (MOST_MADE_UP, Month(2024, 2))


def test_every_site_and_a_group_are_told_each_person_once_and_what_is_not_there_to_nobody() -> None:
    homes = [Site(id=each, time_zone="UTC", currency_code="EUR") for each in (ONE, OTHER)]
    group = SiteGroup(id=CAMPUS, sites=(ONE, OTHER))
    model = SiteModel().apply(SiteModelChange(revision=1, snapshot=True, changed=(*homes, group)))
    orders = [
        ReportOrder(subject=None, recipients=("a@x.org",)),
        ReportOrder(subject=ONE, recipients=("b@x.org", "a@x.org")),
        ReportOrder(subject=CAMPUS),
        ReportOrder(subject=SiteId("gone"), recipients=("a@x.org",)),
    ]
    assert ordered(orders, model) == {
        ONE: ("a@x.org", "b@x.org"),
        OTHER: ("a@x.org",),
        CAMPUS: (),
    }


def mail() -> Mail:
    file = ReportFile(name="may.pdf", media_type="application/pdf", content=b"%PDF-\r\n.\r\nend")
    return Mail(
        key="sites/home-1/monthly-reports/2024-05 a@x.org",
        recipient="a@x.org",
        title="sites/home-1: 2024-05",
        words="Cost: 12.30 €",
        files=(file,),
    )


def mailer(port: int, **more: object) -> SmtpMailer:
    server = MailServer(
        host="127.0.0.1",
        port=port,
        sender="mesh@x.org",
        security=Security.NONE,
        **more,  # type: ignore[arg-type]
    )
    return SmtpMailer(server)


async def test_a_mail_arrives_with_its_files_and_a_double_can_be_told_by_its_id() -> None:
    async with mail_server() as mails:
        answers = [await mailer(mails.port).send(mail()) for _ in range(2)]
    first, second = mails.taken
    (file,) = first.iter_attachments()

    assert answers == [Sent(), Sent()]
    assert (first["From"], first["To"]) == ("mesh@x.org", "a@x.org")
    assert file.get_content() == b"%PDF-\r\n.\r\nend"
    assert file.get_filename() == "may.pdf"
    body = first.get_body()
    assert body is not None
    assert "12.30 €" in body.get_content()
    assert first["Message-ID"] == second["Message-ID"]


@pytest.mark.parametrize(
    ("command", "answer", "outcome"),
    [
        ("RCPT", "550 no such person", Refused),
        ("RCPT", "451 come again later", NotSent),
        ("MAIL", "421 full", NotSent),
        ("DATA", "554 no", Refused),
        ("DATA", "451 not now", NotSent),
    ],
)
async def test_what_a_server_does_not_take_is_tried_again_unless_it_never_will(
    command: str, answer: str, outcome: type
) -> None:
    async with mail_server() as mails:
        mails.answers[command] = answer
        found = await mailer(mails.port).send(mail())
    assert isinstance(found, outcome)
    assert mails.taken == []


async def test_a_line_that_breaks_after_the_mail_leaves_it_unsure_and_no_line_unsent() -> None:
    async with mail_server() as mails:
        mails.hangs_up = True
        broken = await mailer(mails.port).send(mail())
        port = mails.port
    nobody = await mailer(port).send(mail())

    assert isinstance(broken, Unsure)
    assert isinstance(nobody, NotSent)


def test_a_file_orders_reports_and_names_the_server(tmp_path: Path) -> None:
    secret, file = tmp_path / "password", tmp_path / "reports.json"
    secret.write_text("s3cret\n")
    server = {"host": "mail.x.org", "port": 587, "sender": "mesh@x.org"}
    known = {**server, "user": "mesh", "password_file": str(secret)}
    reports = [{"subject": "sites/-", "to": ["a@x.org"]}, {"subject": "groups/campus"}]
    file.write_text(json.dumps({"server": known, "reports": reports}))
    found = read_orders(file)

    assert found.server is not None
    assert (found.server.password, found.server.security) == ("s3cret", Security.STARTTLS)
    assert found.reports == (
        ReportOrder(subject=None, recipients=("a@x.org",)),
        ReportOrder(subject=CAMPUS),
    )
    for wrong in (
        {"server": {**known, "security": "none"}, "reports": []},
        {"reports": [{"subject": "sites/-", "to": ["a@x.org\nBcc: b@x.org"]}]},
        {"reports": [{"subject": "tariffs/a"}]},
        {"server": server},
    ):
        file.write_text(json.dumps(wrong))
        with pytest.raises(FailedPrecondition):
            read_orders(file)
