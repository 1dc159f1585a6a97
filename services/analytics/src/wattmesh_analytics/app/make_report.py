"""Put a report together from what the other use cases answer."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, time
from typing import Protocol

from wattmesh_analytics.app.find_anomalies import LEAST_DAYS, MOST_DAYS, FindAnomalies
from wattmesh_analytics.app.query_bills import QueryBills
from wattmesh_analytics.app.query_indicators import QueryIndicators
from wattmesh_analytics.app.query_savings import QuerySavings
from wattmesh_analytics.app.question import Span, known_model
from wattmesh_analytics.domain.indicators import Division
from wattmesh_analytics.domain.monthly import ReportFile
from wattmesh_analytics.domain.report import Format, Report, SiteReport, last_day, table
from wattmesh_analytics.domain.savings import Savings
from wattmesh_analytics.domain.site_energy import Counterfactual
from wattmesh_kernel.checks import require
from wattmesh_kernel.ids import SiteId
from wattmesh_sitemodel.view import SiteModelView

MOST_SITES = 200
_MEDIA_TYPES = {Format.PDF: "application/pdf", Format.CSV: "text/csv"}


class Printer(Protocol):
    """Makes pages of a report."""

    def pages(self, report: Report) -> bytes:
        """Return a report as PDF. It takes its time: not for an event loop."""


class MakeReport:
    """Reports on sites: what they cost, what was saved, day by day, and what is wrong."""

    def __init__(
        self,
        *,
        view: SiteModelView,
        bills: QueryBills,
        savings: QuerySavings,
        indicators: QueryIndicators,
        anomalies: FindAnomalies,
        printer: Printer,
    ) -> None:
        self._view = view
        self._bills = bills
        self._savings = savings
        self._indicators = indicators
        self._anomalies = anomalies
        self._printer = printer

    async def __call__(self, sites: Sequence[SiteId], span: Span, written_in: Format) -> ReportFile:
        """Return a report as a file. Errors: as the use cases that it asks."""
        return await self.file(await self.report(sites, span), written_in)

    async def report(self, sites: Sequence[SiteId], span: Span) -> Report:
        """Return what a report says. Errors: as the use cases that it asks."""
        require(len(sites) <= MOST_SITES, "TOO_MANY_ITEMS", f"at most {MOST_SITES}", "sites")
        saved = await self._savings(sites, span, Counterfactual.IDLE_STORAGE)
        return Report(
            range=span.range,
            total=saved.total,
            sites=tuple(
                [
                    await self._site(site, span, savings)
                    for site, savings in zip(sites, saved.sites, strict=True)
                ]
            ),
        )

    async def file(self, report: Report, written_in: Format) -> ReportFile:
        """Return a report as a file."""
        return ReportFile(
            name=report.file_name(written_in),
            media_type=_MEDIA_TYPES[written_in],
            content=await asyncio.to_thread(self._written, report, written_in),
        )

    def _written(self, report: Report, written_in: Format) -> bytes:
        return table(report).encode() if written_in is Format.CSV else self._printer.pages(report)

    async def _site(self, site: SiteId, span: Span, savings: Savings) -> SiteReport:
        zone = known_model(self._view).sites[site].zone
        days = await self._indicators(site, span, Division.DAY)
        (whole,) = await self._indicators(site, span, Division.WHOLE)
        bills = await self._bills(site, span)
        end: datetime = span.range.end.astimezone(zone)
        return SiteReport(
            site=site,
            first=span.range.start.astimezone(zone).date(),
            last=last_day(end.date(), at_midnight=end.time() == time(0)),
            bills=bills.bills,
            savings=savings,
            days=tuple((each.range.start.astimezone(zone).date(), each) for each in days),
            whole=whole,
            findings=await self._findings(site, span),
        )

    async def _findings(self, site: SiteId, span: Span) -> tuple[str, ...]:
        """Return what is wrong, where the range is long enough to tell."""
        if not LEAST_DAYS < span.range.duration.days <= MOST_DAYS:
            return ()
        found = await self._anomalies(site, span.range)
        return tuple(
            f"Since {each.anomaly.since.isoformat()}: {each.anomaly.reason}"
            + ("." if each.yearly_cost is None else f" ({each.yearly_cost} a year).")
            for each in found
            if each.anomaly.ended is None
        )
