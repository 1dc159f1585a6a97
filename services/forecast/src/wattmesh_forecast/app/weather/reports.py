"""Publishing what a source told, and finding it again."""

from collections.abc import Callable, Sequence

from wattmesh_forecast.app.weather.ports import ReportHead, ReportPosition, WeatherRecords
from wattmesh_forecast.app.weather.sources import check_request_id
from wattmesh_forecast.domain.weather.told import WeatherReport, source_segment
from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import FailedPrecondition, NotFound
from wattmesh_kernel.ids import ANY
from wattmesh_kernel.paging import LARGEST_PAGE, page_size
from wattmesh_kernel.time import TimeRange

MOST_REPORTS = 100


class WeatherReports:
    """Keeps reports as they were told; `published` is called after each that is new."""

    def __init__(self, records: WeatherRecords, published: Callable[[], None]) -> None:
        self._records = records
        self._published = published

    async def publish(
        self, parent: str, reports: Sequence[WeatherReport], request_id: str
    ) -> list[str]:
        """Keep reports; return their names. The same place and issue again changes nothing.

        Errors: NotFound; FailedPrecondition `SOURCE_DELETED`; InvalidArgument.
        """
        check_request_id(request_id)
        require(
            0 < len(reports) <= MOST_REPORTS,
            "INVALID_WEATHER",
            f"1 to {MOST_REPORTS} reports",
            "weather_reports",
        )
        source = await self._records.source(source_segment(parent, "parent"))
        if source is None:
            raise NotFound("WEATHER_SOURCE_NOT_FOUND", f"there is no {parent}")
        if source.deleted:
            raise FailedPrecondition("SOURCE_DELETED", f"{parent} tells nothing more")
        await self._records.publish(reports, request_id)
        self._published()
        return [each.name for each in reports]

    async def get(self, name: str) -> WeatherReport:
        """Return a report; NotFound."""
        found = await self._records.report(name)
        if found is None:
            raise NotFound("WEATHER_REPORT_NOT_FOUND", f"there is no {name}")
        return found

    async def list(
        self, parent: str, span: TimeRange | None, size: int, before: ReportPosition | None
    ) -> tuple[Sequence[ReportHead], ReportPosition | None]:
        """Return a page without series, newest first, and where it ended; None: the last."""
        limit = page_size(size, LARGEST_PAGE)
        every = parent == f"weather-sources/{ANY}"
        source = "" if every else source_segment(parent, "parent")
        found = await self._records.heads(source, span, before, limit + 1)
        if len(found) <= limit:
            return found, None
        last = found[limit - 1]
        return found[:limit], ReportPosition(last.issue_time, last.name)
