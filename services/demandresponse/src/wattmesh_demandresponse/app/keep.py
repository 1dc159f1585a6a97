"""Get, list, create, update and delete: the same for every kind of resource."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from wattmesh_demandresponse.app.ports import Change, Query, Records
from wattmesh_demandresponse.domain.enrolment import Enrolment
from wattmesh_demandresponse.domain.event import Event
from wattmesh_demandresponse.domain.participation import Participation
from wattmesh_demandresponse.domain.programme import Programme
from wattmesh_demandresponse.domain.records import Kind, Record, Resource
from wattmesh_kernel import paging
from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import Aborted, AlreadyExists, InvalidArgument, NotFound
from wattmesh_kernel.programme_ids import ProgrammeId

LONGEST_REQUEST_ID = 128
MOST_IN_PAGE = 1000

R = TypeVar("R", Programme, Enrolment, Event, Participation)


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
            raise not_found(self._kind, name)
        return cast(Record[R], record)

    async def list(self, query: Query, page_size: int, after: str) -> tuple[list[Record[R]], str]:
        """Return a page, and the name after which the next one begins; empty: this was the last."""
        limit = paging.page_size(page_size, MOST_IN_PAGE, MOST_IN_PAGE)
        found = await self._records.list(self._kind, query, after, limit + 1)
        page = [cast(Record[R], each) for each in found[:limit]]
        return page, page[-1].name if len(found) > limit else ""

    async def create(self, resource: R, request_id: str) -> Record[R]:
        """Create a resource; a repeat of the request returns the first answer.

        Errors: AlreadyExists; InvalidArgument when the request id was used for something else.
        """
        check_request_id(request_id)
        name = resource.id.name
        async with self._records.change() as change:
            kept = await change.find(name)
            if request_id and await _is_repeat(change, self._kind, request_id, name):
                if kept is None:
                    raise not_found(self._kind, name)
                return cast(Record[R], kept)
            if kept is not None:
                raise AlreadyExists(f"{self._kind.upper()}_EXISTS", f"{name} is there already")
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
            kept = await self._found(change, name, etag, allow_missing)
            if kept is not None:
                await self._end(change, kept)

    async def _put(self, change: Change, resource: R, kept: Record[R] | None) -> Record[R]:
        return await put_one(change, resource)

    async def _end(self, change: Change, kept: Record[R]) -> None:
        await change.delete(kept.name)

    async def _found(
        self, change: Change, name: str, etag: str, allow_missing: bool
    ) -> Record[R] | None:
        kept = await change.find(name)
        if kept is None and not allow_missing:
            raise not_found(self._kind, name)
        if etag and (kept is None or kept.etag != etag):
            raise Aborted("ETAG_MISMATCH", f"{name} has changed since it was read: read it again")
        return cast(Record[R] | None, kept)


def check_request_id(request_id: str) -> None:
    """Raise InvalidArgument unless a request id is short enough."""
    require(
        len(request_id) <= LONGEST_REQUEST_ID,
        "INVALID_REQUEST_ID",
        f"a request id has at most {LONGEST_REQUEST_ID} characters",
        "request_id",
    )


async def put_one(change: Change, resource: R, due: datetime | None = None) -> Record[R]:
    """Keep one resource."""
    (record,) = await change.put([(resource, due)])
    return cast(Record[R], record)


async def programme_of(change: Change, programme: ProgrammeId) -> Programme:
    """Return a programme. Error: NotFound."""
    return cast(Programme, (await required(change, Kind.PROGRAMME, programme.name)).resource)


async def required(change: Change, kind: Kind, name: str) -> Record[Resource]:
    """Return what is kept under a name. Error: NotFound."""
    record = await change.find(name)
    if record is None:
        raise not_found(kind, name)
    return record


def not_found(kind: Kind, name: str) -> NotFound:
    """Return the error that there is nothing of that name."""
    return NotFound(f"{kind.upper()}_NOT_FOUND", f"there is no {name}")


async def _is_repeat(change: Change, kind: Kind, request_id: str, name: str) -> bool:
    before = await change.first_answer(kind, request_id, name)
    if before not in (None, name):
        raise InvalidArgument(
            "REQUEST_ID_TAKEN",
            f"request id {request_id!r} belongs to another request",
            field="request_id",
        )
    return before is not None
