"""Reports on the mesh that runs here, for the `wattmesh` command."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console

from wattmesh.analytics.v1 import analytics_service_pb2, report_pb2
from wattmesh.site.v1 import site_pb2, site_service_pb2
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.errors import InvalidArgument, NotFound
from wattmesh_kernel.time import TimeRange
from wattmesh_local.running.state import MeshState
from wattmesh_local.watching.clients import MeshClients
from wattmesh_runtime.errors import rpc_errors

FORMATS = {
    ".pdf": report_pb2.REPORT_FORMAT_PDF,
    ".csv": report_pb2.REPORT_FORMAT_CSV,
}
_PATIENCE_SECONDS = 120.0


async def write_report(
    state_folder: Path, sites: Sequence[str], first: date, days: int, file: Path, console: Console
) -> int:
    """Have analytics report on sites (none: all) and write it; the file's ending says how.

    Errors: InvalidArgument for another ending; NotFound when no mesh runs here.
    """
    written_in = FORMATS.get(file.suffix.lower())
    if written_in is None:
        raise InvalidArgument("INVALID_VALUE", f"{file} ends neither in .pdf nor in .csv")
    with rpc_errors():
        async with MeshClients.of(MeshState(state_folder)) as clients:
            listed = await clients.sites.ListSites(site_service_pb2.ListSitesRequest())
            chosen = chosen_sites(list(listed.sites), sites)
            request = analytics_service_pb2.QueryReportRequest(
                sites=[each.name for each in chosen],
                range=time_range_to_proto(span_of(first, days, ZoneInfo(chosen[0].time_zone))),
                format=written_in,
            )
            answer = await clients.analytics.QueryReport(request, timeout=_PATIENCE_SECONDS)
    await asyncio.to_thread(file.write_bytes, answer.report.content)
    console.print(f"{len(chosen)} sites, {days} days from {first.isoformat()}: {file}")
    return 0


def chosen_sites(known: list[site_pb2.Site], names: Sequence[str]) -> list[site_pb2.Site]:
    """Return the sites named, short or whole; none named: all. Error: NotFound."""
    wanted = {name if name.startswith("sites/") else f"sites/{name}" for name in names}
    missing = sorted(wanted - {each.name for each in known})
    if missing or not known:
        raise NotFound("SITE_NOT_FOUND", f"there is no site {', '.join(missing)}".rstrip())
    return [each for each in known if not wanted or each.name in wanted]


def span_of(first: date, days: int, zone: ZoneInfo) -> TimeRange:
    """Return whole days of a site's zone."""
    start = datetime(first.year, first.month, first.day, tzinfo=zone)
    end = first + timedelta(days=days)
    return TimeRange(start, datetime(end.year, end.month, end.day, tzinfo=zone))
