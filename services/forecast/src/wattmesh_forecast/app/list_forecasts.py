"""Listing issued forecasts: what was known when."""

from collections.abc import Sequence
from dataclasses import dataclass

from wattmesh_forecast.app.ports import ForecastStore, Position
from wattmesh_forecast.domain.forecast import Forecast
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange

USUAL_PAGE = 100
LARGEST_PAGE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Some forecasts, and where the next page begins; None after the last."""

    forecasts: Sequence[Forecast]
    next: Position | None


class ListForecasts:
    """Reads stored forecasts page by page."""

    def __init__(self, store: ForecastStore) -> None:
        self._store = store

    async def get(self, name: str) -> Forecast:
        """Return one forecast; NotFound."""
        return await self._store.get(name)

    async def __call__(
        self, asset: AssetId, issued: TimeRange | None, size: int, after: Position | None
    ) -> Page:
        """Return the forecasts of an asset, newest first; a size of 0 means the usual."""
        if size < 0:
            raise InvalidArgument(
                "INVALID_PAGE_SIZE", "page_size must not be negative", field="page_size"
            )
        size = min(size, LARGEST_PAGE) or USUAL_PAGE
        found = await self._store.page(asset, issued, after, size + 1)
        more = len(found) > size
        last = found[size - 1] if more else None
        return Page(
            forecasts=found[:size],
            next=Position(last.issue_time, last.name) if last is not None else None,
        )
