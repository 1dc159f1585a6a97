"""Keeping the sources of weather: get, list, create, update, delete."""

from collections.abc import Callable, Sequence

from wattmesh_forecast.app.weather.ports import WeatherRecords
from wattmesh_forecast.domain.weather.told import KeptSource, WeatherSource, source_segment
from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import Aborted, AlreadyExists, InvalidArgument, NotFound
from wattmesh_kernel.paging import LARGEST_PAGE, page_size

LONGEST_REQUEST_ID = 128


class KeepWeatherSources:
    """Does to sources what `SiteService` does to sites."""

    def __init__(self, records: WeatherRecords) -> None:
        self._records = records

    async def get(self, name: str) -> KeptSource:
        """Return a source; NotFound."""
        found = await self._records.source(source_segment(name))
        if found is None or found.deleted:
            raise NotFound("WEATHER_SOURCE_NOT_FOUND", f"there is no {name}")
        return found

    async def list(self, size: int, after: str) -> tuple[Sequence[KeptSource], str]:
        """Return a page by name, and the segment after which the next begins; empty: none."""
        limit = page_size(size, LARGEST_PAGE)
        found = await self._records.sources(after, limit + 1)
        return found[:limit], found[limit - 1].source.segment if len(found) > limit else ""

    async def create(self, source: WeatherSource, request_id: str) -> KeptSource:
        """Create a source; a repeat of the request returns the first answer. AlreadyExists."""
        check_request_id(request_id)
        if request_id:
            first = await self._records.first_answer(f"create:{request_id}")
            if first is not None:
                require(
                    list(first) == [source.name],
                    "REQUEST_ID_TAKEN",
                    "the request id belongs to another request",
                    "request_id",
                )
                return await self.get(source.name)
        before = await self._records.source(source.segment)
        if before is not None and not before.deleted:
            raise AlreadyExists("WEATHER_SOURCE_EXISTS", f"{source.name} is there already")
        return await self._put(source, before, request_id)

    async def update(
        self,
        name: str,
        merge: Callable[[WeatherSource | None], WeatherSource],
        *,
        etag: str,
        allow_missing: bool,
    ) -> KeptSource:
        """Change a source, or create it when allowed. NotFound, Aborted, InvalidArgument."""
        before = await self._found(name, etag, allow_missing)
        if before is None or before.deleted:
            return await self._put(merge(None), before, "")
        source = merge(before.source)
        if source.kind is not before.source.kind:
            raise InvalidArgument("IMMUTABLE_FIELD", "a source's kind never changes", field="kind")
        return before if source == before.source else await self._put(source, before, "")

    async def delete(self, name: str, *, etag: str, allow_missing: bool) -> None:
        """End a source: it tells nothing more, its reports stay. NotFound, Aborted."""
        before = await self._found(name, etag, allow_missing)
        if before is not None and not before.deleted:
            await self._put(before.source, before, "", deleted=True)

    async def _found(self, name: str, etag: str, allow_missing: bool) -> KeptSource | None:
        found = await self._records.source(source_segment(name))
        if (found is None or found.deleted) and not allow_missing:
            raise NotFound("WEATHER_SOURCE_NOT_FOUND", f"there is no {name}")
        if etag and (found is None or found.etag != etag):
            raise _changed(name)
        return found

    async def _put(
        self,
        source: WeatherSource,
        before: KeptSource | None,
        request_id: str,
        *,
        deleted: bool = False,
    ) -> KeptSource:
        revision = 1 if before is None else before.revision + 1
        kept = KeptSource(source=source, revision=revision, deleted=deleted)
        if not await self._records.put(kept, before, request_id):
            raise _changed(source.name)
        return kept


def check_request_id(request_id: str) -> None:
    """Raise InvalidArgument for a request's id that is too long."""
    require(
        len(request_id) <= LONGEST_REQUEST_ID,
        "INVALID_REQUEST_ID",
        f"a request id has at most {LONGEST_REQUEST_ID} characters",
        "request_id",
    )


def _changed(name: str) -> Aborted:
    return Aborted("ETAG_MISMATCH", f"{name} has changed since it was read: read it again")
