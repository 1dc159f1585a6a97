"""Make each month's reports once the month is over, keep them and send them."""

import logging
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import assert_never
from zoneinfo import ZoneInfo

from wattmesh_analytics.app.make_report import MakeReport
from wattmesh_analytics.app.question import Span
from wattmesh_analytics.app.report_ports import (
    Mail,
    Mailer,
    NotSent,
    Outcome,
    Refused,
    ReportStore,
    Sent,
    Unsure,
)
from wattmesh_analytics.domain.monthly import (
    Delivery,
    DeliveryState,
    Made,
    Month,
    MonthlyReport,
    ReportOrder,
    Subject,
    due_months,
)
from wattmesh_analytics.domain.report import Format, Report
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import NotFound, Unavailable
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.sites import SiteModel
from wattmesh_runtime.aio.containment import Containment
from wattmesh_runtime.aio.leases import Lease
from wattmesh_runtime.aio.losses import LossLog
from wattmesh_sitemodel.view import SiteModelView

log = logging.getLogger(__name__)

LOOK = timedelta(minutes=15)
"""How often it is looked what is due, and what waits to be sent."""


class KeepReports:
    """Makes what was ordered, for months that were missed too; no mail is ever sent twice.

    A mail is marked before it is handed over. Where a process or a line ends in between nobody can
    tell whether it arrived: then it is told as unsure, and left at that.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        view: SiteModelView,
        make: MakeReport,
        store: ReportStore,
        mailer: Mailer | None,
        orders: Sequence[ReportOrder],
        wait: timedelta,
    ) -> None:
        self._clock = clock
        self._view = view
        self._make = make
        self._store = store
        self._mailer = mailer
        self._orders = orders
        self._wait = wait
        self._loss = LossLog(log, "the mail server")
        self._contained = Containment(log, "monthly reports")

    async def __call__(self, lease: Lease) -> None:
        """Keep at it for ever."""
        await self._view.wait_known()
        while True:
            try:
                await self.look(lease)
            except Unavailable as error:
                log.info("reports are made next time: %s", error)
            await self._clock.sleep_until(self._clock.now() + LOOK)

    async def look(self, lease: Lease) -> None:
        """Make what is due and send what waits, once. Errors: as the store, and of the lease."""
        await self._store.doubt(self._clock.now())
        recipients = ordered(self._orders, self._view.model)
        newest = await self._store.newest(list(recipients))
        for subject, people in recipients.items():
            with self._contained.each(subject.name):
                await self._made(subject, people, newest.get(subject))
        if self._mailer is not None:
            for report, recipient in await self._store.waiting():
                await lease.confirm()
                with self._contained.each(f"{report.name} for {recipient}"):
                    await self._send(self._mailer, report, recipient)

    async def _made(self, subject: Subject, people: Sequence[str], newest: Month | None) -> None:
        model = self._view.model
        sites = sites_of(model, subject)
        zone = model.sites[sites[0]].zone
        for month in due_months(self._clock.now(), zone, newest, self._wait):
            await self._make_month(subject, sites, people, month, zone)

    async def _make_month(
        self,
        subject: Subject,
        sites: Sequence[SiteId],
        people: Sequence[str],
        month: Month,
        zone: ZoneInfo,
    ) -> None:
        span, now = month.span(zone), self._clock.now()
        report = await self._make.report(sites, Span(range=span))
        files = {each: await self._make.file(report, each) for each in Format}
        kept = MonthlyReport(
            subject=subject,
            month=month,
            range=span,
            make_time=now,
            words=in_words(report),
            deliveries=tuple(Delivery(recipient=each, time=now) for each in people),
        )
        await self._store.put(Made(report=kept, files=files))
        log.info("%s is made", kept.name)

    async def _send(self, mailer: Mailer, report: MonthlyReport, recipient: str) -> None:
        waiting, sending = DeliveryState.WAITING, DeliveryState.SENDING
        files = await self._store.files(report.subject, report.month)
        if not await self._store.move(report, recipient, waiting, sending, self._clock.now()):
            return
        outcome = await mailer.send(
            Mail(
                key=f"{report.name} {recipient}",
                recipient=recipient,
                title=f"{report.subject.name}: {report.month}",
                words=report.words,
                files=tuple(files.values()),
            )
        )
        after, why = self._after(outcome)
        await self._store.move(report, recipient, sending, after, self._clock.now(), why)

    def _after(self, outcome: Outcome) -> tuple[DeliveryState, str]:
        match outcome:
            case Sent():
                self._loss.back()
                return DeliveryState.SENT, ""
            case NotSent(why):
                self._loss.lost(why)
                return DeliveryState.WAITING, why
            case Refused(why):
                return DeliveryState.REFUSED, why
            case Unsure(why):
                return DeliveryState.UNSURE, why
            case _:
                assert_never(outcome)


def ordered(orders: Iterable[ReportOrder], model: SiteModel) -> dict[Subject, tuple[str, ...]]:
    """Return who gets the report of each subject that there is, each person once."""
    found: dict[Subject, dict[str, None]] = {}
    for order in orders:
        subjects = list(model.sites) if order.subject is None else [order.subject]
        for subject in subjects:
            if subject in model.sites or subject in model.groups:
                found.setdefault(subject, {}).update(dict.fromkeys(order.recipients))
    return {subject: tuple(people) for subject, people in found.items()}


def sites_of(model: SiteModel, subject: Subject) -> Sequence[SiteId]:
    """Return the sites that a report is about. Error: NotFound of a group without sites."""
    if isinstance(subject, SiteId):
        return [subject]
    group = model.groups.get(subject)
    sites = [] if group is None else sorted(group.sites, key=lambda each: each.name)
    if not sites:
        raise NotFound("GROUP_NOT_FOUND", f"{subject} has no sites")
    return sites


def in_words(report: Report) -> str:
    """Return what a mail says: what it cost, what was saved, and what a reader has to know."""
    total = report.total
    cost = total.metered.cost.rounded()
    lines = [
        report.title,
        "",
        f"Cost: {cost}",
        f"Without control of batteries: {total.without.cost.rounded()}; saved: {total.saved}",
        f"Highest power drawn: {total.metered.peak_kw:.2f} kW",
        f"Metered: {total.covered_ratio:.1%} of the time",
    ]
    return "\n".join(lines)
