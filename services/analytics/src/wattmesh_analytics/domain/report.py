"""What a report says: of each site its bills, savings, days, and what is wrong."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from wattmesh_analytics.domain.bills import PeriodBill
from wattmesh_analytics.domain.indicators import Indicators
from wattmesh_analytics.domain.savings import Savings
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.time import TimeRange


class Format(Enum):
    """In what a report is written."""

    PDF = "pdf"
    CSV = "csv"


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteReport:
    """One site: `days` oldest first; `findings`: what is wrong, in words."""

    site: SiteId
    first: date
    last: date
    bills: tuple[PeriodBill, ...]
    savings: Savings
    days: tuple[tuple[date, Indicators], ...]
    whole: Indicators
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Sites, and all of them together."""

    range: TimeRange
    total: Savings
    sites: tuple[SiteReport, ...]

    @property
    def title(self) -> str:
        """What it is about."""
        first, last = self.sites[0].first, self.sites[0].last
        one = len(self.sites) == 1
        of = self.sites[0].site.name if one else f"{len(self.sites)} sites"
        return f"{of}, {first.isoformat()} to {last.isoformat()}"

    def file_name(self, written_in: Format) -> str:
        """Return what to call its file."""
        first, last = self.sites[0].first, self.sites[0].last
        of = self.sites[0].site.segment if len(self.sites) == 1 else "portfolio"
        return f"wattmesh-{of}-{first.isoformat()}-{last.isoformat()}.{written_in.value}"


COLUMNS = (
    *("row", "site", "day", "import_kwh", "export_kwh", "generation_kwh", "consumption_kwh"),
    *("import_peak_kw", "self_sufficiency_ratio", "self_consumption_ratio", "full_cycles"),
    *("covered_ratio", "cost", "without_control", "saved", "currency", "emissions_kg"),
)
"""The heading of the table."""


def table(report: Report) -> str:
    """Return a report as a table: a row for each day of each site, each site, and all of them."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    for site in report.sites:
        for day, found in site.days:
            writer.writerow(("day", site.site.name, day.isoformat(), *_figures(found), *[""] * 5))
    for site in report.sites:
        writer.writerow(("site", site.site.name, "", *_figures(site.whole), *_money(site.savings)))
    energy = report.total.metered.total_kwh
    peak = f"{report.total.metered.peak_kw:.3f}"
    sums = (f"{energy[0]:.3f}", f"{energy[1]:.3f}", "", "", peak, "", "", "")
    covered = f"{report.total.covered_ratio:.4f}"
    writer.writerow(("total", "", "", *sums, covered, *_money(report.total)))
    return written.getvalue()


def last_day(end: date, *, at_midnight: bool) -> date:
    """Return the last day of a range that ends on one."""
    return end - timedelta(days=1) if at_midnight else end


def notes(site: SiteReport) -> Iterator[str]:
    """Yield what a reader has to know of a site's figures."""
    if site.savings.missing_intervals:
        share = 1 - site.savings.covered_ratio
        yield f"{share:.1%} of the time was not metered: it counts in no amount."
    gaps = [gap for each in site.bills for gap in each.bill.gaps]
    if gaps:
        first = gaps[0].reason.value
        yield f"The bill leaves out {len(gaps)} stretches, the first for a missing {first}."
    yield from site.findings


def _figures(found: Indicators) -> Sequence[str]:
    values = (
        *(found.import_kwh, found.export_kwh, found.generation_kwh, found.consumption_kwh),
        *(found.import_peak_kw, found.self_sufficiency_ratio, found.self_consumption_ratio),
        *(found.full_cycles, found.covered_ratio),
    )
    return ["" if each is None else f"{each:.4f}" for each in values]


def _money(savings: Savings) -> Sequence[str]:
    kilograms = savings.metered.emissions_kg
    return (
        str(savings.metered.cost.rounded().amount),
        str(savings.without.cost.rounded().amount),
        str(savings.saved.amount),
        savings.metered.cost.currency_code,
        "" if kilograms is None else f"{kilograms:.3f}",
    )
