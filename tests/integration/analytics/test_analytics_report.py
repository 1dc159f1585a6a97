"""Reports as files: what they say is what was metered."""

import csv
import io
import re
import zlib
from base64 import a85decode
from datetime import timedelta

import numpy as np
import pytest

from tests.fakes.analytics_world import DAY, HOME, HOUR, START, HomeDays, analytics_world
from wattmesh.analytics.v1 import analytics_service_pb2 as pb
from wattmesh.analytics.v1 import report_pb2
from wattmesh.type.v1 import tariff_pb2
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.time import TimeRange

DAYS = 3
SPAN = TimeRange.of(START, DAYS * timedelta(days=1))
HOME_DAYS = HomeDays.of(5, DAYS)


def text_of(pdf: bytes) -> str:
    """What is written on the pages: the strings of their streams."""
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        try:
            plain = zlib.decompress(a85decode(stream.strip(), adobe=False))
        except ValueError:
            plain = zlib.decompress(a85decode(b"<~" + stream.strip(), adobe=True))
        found += re.findall(rb"\((.*?)\) Tj", plain)
    return " ".join(each.decode("latin-1") for each in found)


@pytest.mark.time_limit(120)
async def test_a_report_has_each_day_and_the_bill_on_pages_and_as_a_table(
    database_url: str,
) -> None:
    flat = tariff_pb2.Tariff(
        name="tariffs/home",
        currency_code="USD",
        import_rates=tariff_pb2.EnergyRates(base_per_kwh=0.3),
    )
    async with analytics_world(database_url, SPAN.end + HOUR) as world:
        await world.add_home(flat, HOME_DAYS)
        await world.publish(np.full(24 * DAYS, 200.0))

        async def report(written_in: report_pb2.ReportFormat.ValueType) -> report_pb2.Report:
            request = pb.QueryReportRequest(
                sites=[HOME], range=time_range_to_proto(SPAN), format=written_in
            )
            return (await world.analytics.QueryReport(request, timeout=40)).report

        table = await report(report_pb2.REPORT_FORMAT_CSV)
        pages = await report(report_pb2.REPORT_FORMAT_PDF)

    rows = list(csv.DictReader(io.StringIO(table.content.decode())))
    days = [row for row in rows if row["row"] == "day"]
    imported = np.maximum(HOME_DAYS.grid, 0).reshape(DAYS, DAY).sum(axis=1)
    assert [float(row["import_kwh"]) for row in days] == pytest.approx(imported, abs=1e-3)
    assert [row["day"] for row in days] == ["2024-06-01", "2024-06-02", "2024-06-03"]
    (total,) = (row for row in rows if row["row"] == "total")
    assert float(total["cost"]) == pytest.approx(0.3 * imported.sum(), abs=0.01)
    assert float(total["emissions_kg"]) == pytest.approx(0.2 * imported.sum(), rel=1e-4)

    assert (pages.media_type, pages.content[:5]) == ("application/pdf", b"%PDF-")
    assert pages.file_name == "wattmesh-home-1-2024-06-01-2024-06-03.pdf"
    said = text_of(pages.content)
    assert "sites/home-1, 2024-06-01 to 2024-06-03" in said
    assert f"{total['cost']} USD" in said
    assert "imported [kWh a day]" in said
