"""What came of ingestion."""

from wattmesh_kernel.time import TimeRange
from wattmesh_metering.app.ports import IngestStatistics, Statistics


class GetIngestStatistics:
    """Counts readings."""

    def __init__(self, statistics: Statistics) -> None:
        self._statistics = statistics

    async def run(self, source: str, span: TimeRange | None) -> IngestStatistics:
        """Count readings of a source (empty: all); kept ones measured in the span only."""
        return await self._statistics.count(source, span)
