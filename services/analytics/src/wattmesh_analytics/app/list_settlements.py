"""Read settlements, page by page."""

from collections.abc import Sequence
from datetime import date

from wattmesh_analytics.app.settle import SettlementStore, settlement_of
from wattmesh_analytics.domain.settlement import Settlement
from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.paging import page_size
from wattmesh_kernel.time import TimeRange


class ListSettlements:
    """Gives what was settled, as it was each time."""

    def __init__(self, store: SettlementStore) -> None:
        self._store = store

    async def get(self, site: SiteId, day: date, version: int) -> Settlement:
        """Return a version of a day; 0: the newest. Error: NotFound."""
        require(version >= 0, "INVALID_VALUE", "a version is not negative", "version")
        return await settlement_of(self._store, site, day, version)

    async def page(
        self, site: SiteId, span: TimeRange | None, size: int, token: str, *, all_versions: bool
    ) -> tuple[Sequence[Settlement], str]:
        """Return a page by day and version, and the token of the next."""
        count = page_size(size)
        found = await self._store.page(
            site, span, _place(token), count + 1, all_versions=all_versions
        )
        more = len(found) > count
        page = found[:count]
        return page, f"{page[-1].day.isoformat()} {page[-1].version}" if more else ""


def _place(token: str) -> tuple[date, int] | None:
    if not token:
        return None
    day, _, version = token.partition(" ")
    try:
        return date.fromisoformat(day), int(version)
    except ValueError as error:
        raise InvalidArgument(
            "INVALID_PAGE_TOKEN", "not a page token of this list", field="page_token"
        ) from error
