"""Get, list, create, update and delete: the same for every kind of resource."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import Aborted, AlreadyExists, InvalidArgument, NotFound
from wattmesh_kernel.time import TimeRange
from wattmesh_usage.app.ports import Change, Records
from wattmesh_usage.domain.needs import ChargingNeed
from wattmesh_usage.domain.records import Kind, Parent, Record, Resource
from wattmesh_usage.domain.runs import DeferrableRun
from wattmesh_usage.domain.sessions import ChargingSession
from wattmesh_usage.domain.vehicles import Vehicle
from wattmesh_usage.domain.zones import Occupancy, ZoneSchedule

LONGEST_REQUEST_ID = 128
MAX_PAGE_SIZE = 1000

R = TypeVar("R", Vehicle, ChargingSession, ChargingNeed, ZoneSchedule, Occupancy, DeferrableRun)


class Keep(Generic[R]):
    """What is the same for every kind; `_put` is what a kind has of its own."""

    def __init__(self, kind: Kind, parse: Callable[[str], Any], records: Records) -> None:
        self._kind = kind
        self._parse = parse
        self._records = records

    async def get(self, name: str) -> Record[R]:
        """Return the resource of that name. Error: NotFound."""
        self._parse(name)
        record = await self._records.get(name)
        if record is None:
            raise self._not_found(name)
        return cast(Record[R], record)

    async def list(
        self, parent: Parent, span: TimeRange | None, page_size: int, after: str
    ) -> tuple[list[Record[R]], str]:
        """Return a page, and the name after which the next one begins; empty: this was the last."""
        require(page_size >= 0, "INVALID_PAGE_SIZE", "page_size is not negative", "page_size")
        limit = min(page_size or MAX_PAGE_SIZE, MAX_PAGE_SIZE)
        found = await self._records.list(self._kind, parent, span, after, limit + 1)
        page = [cast(Record[R], each) for each in found[:limit]]
        return page, page[-1].name if len(found) > limit else ""

    async def create(self, resource: R, request_id: str) -> Record[R]:
        """Create a resource; a repeat of the request returns the first answer.

        Errors: AlreadyExists; InvalidArgument when the request id was used for something else.
        """
        require(
            len(request_id) <= LONGEST_REQUEST_ID,
            "INVALID_REQUEST_ID",
            f"a request id has at most {LONGEST_REQUEST_ID} characters",
            "request_id",
        )
        name = resource.id.name
        async with self._records.change() as change:
            kept = await change.find(name)
            if request_id and await self._is_repeat(change, request_id, name):
                return self._living(kept, name)
            if kept is not None:
                raise AlreadyExists(self._reason("EXISTS"), f"{name} is there already")
            return await self._put(change, resource, None)

    async def update(
        self,
        name: str,
        merge: Callable[[R | None], R],
        *,
        etag: str = "",
        allow_missing: bool = False,
    ) -> Record[R]:
        """Change a resource, or create it when allowed.

        Errors: NotFound; Aborted `ETAG_MISMATCH`; those of `merge`.
        """
        self._parse(name)
        async with self._records.change() as change:
            kept = await self._found(change, name, etag, allow_missing)
            if kept is None:
                return await self._put(change, merge(None), None)
            resource = merge(kept.resource)
            return kept if resource == kept.resource else await self._put(change, resource, kept)

    async def delete(self, name: str, *, etag: str = "", allow_missing: bool = False) -> None:
        """Delete a resource; its past stays. Errors: NotFound; Aborted `ETAG_MISMATCH`."""
        self._parse(name)
        async with self._records.change() as change:
            if await self._found(change, name, etag, allow_missing) is not None:
                await change.delete(name)

    async def _put(self, change: Change, resource: R, kept: Record[R] | None) -> Record[R]:
        return cast(Record[R], await change.put(resource))

    async def _found(
        self, change: Change, name: str, etag: str, allow_missing: bool
    ) -> Record[R] | None:
        kept = await change.find(name)
        if kept is None and not allow_missing:
            raise self._not_found(name)
        if etag and (kept is None or kept.etag != etag):
            raise Aborted("ETAG_MISMATCH", f"{name} has changed since it was read: read it again")
        return cast(Record[R] | None, kept)

    async def _is_repeat(self, change: Change, request_id: str, name: str) -> bool:
        before = await change.first_answer(self._kind, request_id, name)
        if before not in (None, name):
            raise InvalidArgument(
                "REQUEST_ID_TAKEN",
                f"request id {request_id!r} belongs to another request",
                field="request_id",
            )
        return before is not None

    def _living(self, kept: Record[Resource] | None, name: str) -> Record[R]:
        if kept is None:
            raise self._not_found(name)
        return cast(Record[R], kept)

    def _reason(self, what: str) -> str:
        return f"{self._kind.upper()}_{what}"

    def _not_found(self, name: str) -> NotFound:
        return NotFound(self._reason("NOT_FOUND"), f"there is no {name}")
