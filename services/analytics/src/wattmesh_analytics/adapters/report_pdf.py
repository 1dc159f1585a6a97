"""Reports as PDF, by ReportLab."""

import io
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from reportlab.graphics.charts.barcharts import VerticalBarChart
from reportlab.graphics.charts.legends import Legend
from reportlab.graphics.shapes import Drawing
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from wattmesh_analytics.domain.report import Report, SiteReport, notes
from wattmesh_analytics.domain.savings import Savings
from wattmesh_kernel.money import Money

_STYLES = getSampleStyleSheet()
_WIDTH = A4[0] - 40 * mm
_COLOURS = (colors.HexColor("#c9742b"), colors.HexColor("#3a7d44"), colors.HexColor("#35618f"))
_NAMES = ("imported", "exported", "generated")
_MOST_LABELS = 16
_GRID = TableStyle(
    [
        ("FONTSIZE", (0, 0), (-1, -1), 8),
        ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#e8edf2")),
        ("LINEBELOW", (0, 0), (-1, -1), 0.25, colors.HexColor("#b8c2cc")),
        ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
    ]
)


class ReportLabPrinter:
    """Printer: an overview, then each site with its bill, its days and what to know of them."""

    def pages(self, report: Report) -> bytes:
        """Return a report as PDF."""
        written = io.BytesIO()
        margin = 20 * mm
        document = SimpleDocTemplate(
            written,
            pagesize=A4,
            title=report.title,
            author="Wattmesh",
            leftMargin=margin,
            rightMargin=margin,
            topMargin=margin,
            bottomMargin=margin,
        )
        document.build(list(_story(report)))
        return written.getvalue()


def _story(report: Report) -> Iterator[Flowable]:
    yield _text(report.title, "Title")
    yield _text("What was metered, beside what it would have been had batteries done nothing.")
    yield Spacer(1, 4 * mm)
    yield _overview(report)
    for site in report.sites:
        yield Spacer(1, 8 * mm)
        yield from _site(site)


def _overview(report: Report) -> Table:
    heading = ("", "cost", "without control", "saved", "imported kWh", "peak kW", "CO2e kg")
    rows = [_row(each.site.segment, each.savings) for each in report.sites]
    if len(report.sites) > 1:
        rows.append(_row("together", report.total))
    return Table([heading, *rows], style=_GRID, repeatRows=1, hAlign="LEFT")


def _row(name: str, savings: Savings) -> tuple[str, ...]:
    kilograms = savings.metered.emissions_kg
    return (
        name,
        str(savings.metered.cost.rounded()),
        str(savings.without.cost.rounded()),
        str(savings.saved),
        f"{savings.metered.total_kwh[0]:.1f}",
        f"{savings.metered.peak_kw:.2f}",
        "" if kilograms is None else f"{kilograms:.1f}",
    )


def _site(site: SiteReport) -> Iterator[Flowable]:
    yield _text(site.site.name, "Heading2")
    yield Table(_bill_rows(site), style=_GRID, hAlign="LEFT")
    yield Spacer(1, 3 * mm)
    yield _days(site)
    for note in notes(site):
        yield _text(note)


def _bill_rows(site: SiteReport) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = [("bill", "quantity", "unit", "amount")]
    for each in site.bills:
        for line in each.bill.lines:
            amount = Money(line.amount, each.bill.currency_code).rounded()
            since = "" if line.part is None else f" from {line.part.start.date().isoformat()}"
            rows.append((line.name + since, f"{line.quantity:.3f}", line.unit, str(amount)))
        start = each.period.start.date().isoformat()
        rows.append((f"period from {start}", "", "", str(each.bill.subtotal)))
    return rows


def _days(site: SiteReport) -> Drawing:
    """Return bars of what was imported, exported and generated each day [kWh]."""
    drawing = Drawing(_WIDTH, 60 * mm)
    chart = VerticalBarChart()
    chart.x, chart.y, chart.width, chart.height = 28, 28, _WIDTH - 34, 44 * mm
    chart.data = [
        tuple(found.import_kwh for _, found in site.days),
        tuple(found.export_kwh for _, found in site.days),
        tuple(found.generation_kwh or 0.0 for _, found in site.days),
    ]
    step = max(-(-len(site.days) // _MOST_LABELS), 1)
    chart.categoryAxis.categoryNames = [
        f"{day:%d.%m.}" if index % step == 0 else "" for index, (day, _) in enumerate(site.days)
    ]
    chart.categoryAxis.labels.fontSize = chart.valueAxis.labels.fontSize = 6
    chart.valueAxis.valueMin = 0
    for index, colour in enumerate(_COLOURS):
        chart.bars[index].fillColor = colour
        chart.bars[index].strokeColor = None
    drawing.add(chart)
    drawing.add(_legend())
    return drawing


def _legend() -> Legend:
    legend = Legend()
    legend.x, legend.y, legend.fontSize = 28, 58 * mm, 7
    legend.alignment, legend.columnMaximum, legend.deltax = "right", 1, 80
    legend.colorNamePairs = [
        (colour, f"{name} [kWh a day]") for colour, name in zip(_COLOURS, _NAMES, strict=True)
    ]
    return legend


def _text(text: str, style: str = "BodyText") -> Paragraph:
    return Paragraph(escape(text), _STYLES[style])
