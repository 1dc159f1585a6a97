"""Months' reports as they are made, kept, sent and made up, with a mail server on loopback."""

import contextlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import numpy as np
import pytest

from tests.fakes.analytics_world import HOME, HOUR, START, AnalyticsWorld, HomeDays, analytics_world
from tests.fakes.eventually import eventually
from tests.fakes.mail_server import MailServer, mail_server
from wattmesh.analytics.v1 import analytics_service_pb2 as pb
from wattmesh.analytics.v1 import report_pb2
from wattmesh.type.v1 import tariff_pb2
from wattmesh_analytics.app.keep_reports import LOOK
from wattmesh_contracts.values import time_range_to_proto, timestamp_to_proto
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import error_from_rpc

JULY, AUGUST = (datetime(2024, month, 1, 13, 30, tzinfo=UTC) for month in (7, 8))
"""Half past six in the morning in Los Angeles, on the first of the month."""
FLAT = tariff_pb2.Tariff(
    name="tariffs/home",
    currency_code="USD",
    import_rates=tariff_pb2.EnergyRates(base_per_kwh=0.3),
)
PEOPLE = ["ada@x.org", "bob@x.org"]


def orders(folder: Path, port: int) -> Path:
    file = folder / "reports.json"
    server = {"host": "127.0.0.1", "port": port, "sender": "mesh@x.org", "security": "none"}
    reports = [{"subject": "sites/-", "to": PEOPLE}, {"subject": "groups/nobody", "to": PEOPLE}]
    file.write_text(json.dumps({"server": server, "reports": reports}))
    return file


async def add_home(world: AnalyticsWorld, days: HomeDays) -> None:
    """Add the home, and have the next look once it is known."""
    await world.add_home(FLAT, days)
    request = pb.QueryBillsRequest(site=HOME, range=time_range_to_proto(TimeRange.of(START, HOUR)))

    async def known() -> bool:
        try:
            await world.analytics.QueryBills(request)
        except grpc.aio.AioRpcError:
            return False
        return True

    await eventually(known, 60)
    world.metering.clock.advance(LOOK)


async def reports(world: AnalyticsWorld) -> Sequence[report_pb2.MonthlyReport]:
    """What is kept, newest first, read in pages of one."""
    found = list[report_pb2.MonthlyReport]()
    request = pb.ListMonthlyReportsRequest(parent=HOME, page_size=1)
    while True:
        page = await world.analytics.ListMonthlyReports(request)
        found += page.monthly_reports
        request.page_token = page.next_page_token
        if not request.page_token:
            return found


def states(report: report_pb2.MonthlyReport) -> dict[str, str]:
    return {
        each.recipient: report_pb2.DeliveryState.Name(each.state).removeprefix("DELIVERY_STATE_")
        for each in report.deliveries
    }


async def all_are(world: AnalyticsWorld, wanted: str, months: int) -> bool:
    found = await reports(world)
    return len(found) == months and all(set(states(each).values()) == {wanted} for each in found)


async def all_were_tried_last(world: AnalyticsWorld) -> bool:
    """Whether nothing is on its way: whoever ended with that would not know what became of it."""
    now = timestamp_to_proto(world.metering.clock.now())
    return all(sent.change_time == now for each in await reports(world) for sent in each.deliveries)


async def become(world: AnalyticsWorld, wanted: str, months: int) -> None:
    """Wait, from look to look: one may come before those are there whom it asks."""
    for _ in range(20):
        with contextlib.suppress(TimeoutError):
            return await eventually(lambda: all_are(world, wanted, months), 3)
        world.metering.clock.advance(LOOK)
    raise AssertionError(f"{await reports(world)} are not {wanted}")


@pytest.mark.time_limit(180)
async def test_a_month_is_reported_when_it_is_over_and_missed_months_once_each(
    database_url: str, tmp_path: Path
) -> None:
    """The mail server is full in July; the process ends, and is back in August."""
    days = HomeDays.of(5, 2)
    async with mail_server() as mails:
        file = orders(tmp_path, mails.port)
        mails.answers["MAIL"] = "421 full"
        async with analytics_world(database_url, JULY, reports_file=file) as world:
            await add_home(world, days)
            await become(world, "WAITING", 1)
            await eventually(lambda: all_were_tried_last(world), 30)
            await become(world, "WAITING", 1)
            assert mails.taken == []

        mails.answers.clear()
        async with analytics_world(database_url, AUGUST, reports_file=file) as world:
            await become(world, "SENT", 2)
            july, june = await reports(world)
            name = june.name
            kept = await world.analytics.GetMonthlyReport(pb.GetMonthlyReportRequest(name=name))
            refused = await no_report(world, f"{HOME}/monthly-reports/2024-05")

        async with analytics_world(database_url, AUGUST, reports_file=file) as world:
            await become(world, "SENT", 2)

    assert [each.name.rpartition("/")[2] for each in (june, july)] == ["2024-06", "2024-07"]
    assert sorted(mails.recipients) == sorted(2 * PEOPLE)
    cost = 0.3 * np.maximum(days.grid, 0).sum()
    first = mails.taken[0]
    body = first.get_body()
    assert body is not None
    assert f"Cost: {cost:.2f} USD" in body.get_content()
    pdf, table = first.iter_attachments()
    assert kept.report.content == pdf.get_content()
    assert table.get_filename() == "wattmesh-home-1-2024-06-01-2024-06-30.csv"
    assert refused == "REPORT_NOT_FOUND"


async def no_report(world: AnalyticsWorld, name: str) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await world.analytics.GetMonthlyReport(pb.GetMonthlyReportRequest(name=name))
    return error_from_rpc(error.value).reason


@pytest.mark.time_limit(180)
async def test_a_mail_that_may_have_arrived_is_told_as_unsure_and_never_sent_again(
    database_url: str, tmp_path: Path
) -> None:
    async with mail_server() as mails:
        file = orders(tmp_path, mails.port)
        mails.hangs_up = True
        async with analytics_world(database_url, JULY, reports_file=file) as world:
            await add_home(world, HomeDays.of(5, 1))
            await become(world, "UNSURE", 1)
        mails.hangs_up = False
        async with analytics_world(
            database_url, JULY + timedelta(hours=1), reports_file=file
        ) as world:
            await become(world, "UNSURE", 1)
            (report,) = await reports(world)

    assert_said(mails, report)


def assert_said(mails: MailServer, report: report_pb2.MonthlyReport) -> None:
    assert sorted(mails.recipients) == PEOPLE
    assert all("the line to the mail server broke" in each.message for each in report.deliveries)
