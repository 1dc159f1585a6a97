"""Create, get, list, update and delete: the same for sites, assets, devices, groups, tariffs."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import assert_never

from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
)
from wattmesh_kernel.ids import AssetId, DeviceId, GroupId, SiteId, TariffId
from wattmesh_metering.app.check_records import check
from wattmesh_metering.app.ports import (
    FirstRequest,
    ModelListener,
    RecordChange,
    Records,
    RepeatedRequest,
    RequestIdTaken,
)
from wattmesh_metering.domain.paging import Page, PageRequest, next_token, parts
from wattmesh_metering.domain.records import (
    LARGEST_BODY_BYTES,
    Document,
    Record,
    RecordKind,
    needs,
)

LONGEST_REQUEST_ID = 128

Merge = Callable[[Document | None], Document]
"""Makes the new document out of the kept one, or out of nothing."""

_PARSERS: Mapping[RecordKind, Callable[[str], object]] = {
    RecordKind.SITE: SiteId.parse,
    RecordKind.ASSET: AssetId.parse,
    RecordKind.DEVICE: DeviceId.parse,
    RecordKind.GROUP: GroupId.parse,
    RecordKind.TARIFF: TariffId.parse,
}


class KeepRecords:
    """The use cases of one kind of resource.

    Each change is one transaction, and changes of the site model come one after the other: what
    is checked still holds when it is committed.
    """

    def __init__(
        self, kind: RecordKind, records: Records, listener: ModelListener, clock: Clock
    ) -> None:
        self._kind = kind
        self._records = records
        self._listener = listener
        self._clock = clock

    async def create(self, document: Document, request_id: str) -> Record:
        """Create a resource; a repeat of the request returns the first answer.

        Errors: AlreadyExists when the name is taken by another request; InvalidArgument when the
        request id was used for something else; those of `check`.
        """
        require(
            len(request_id) <= LONGEST_REQUEST_ID,
            "INVALID_REQUEST_ID",
            f"a request id has at most {LONGEST_REQUEST_ID} characters",
            "request_id",
        )
        async with self._records.change() as change:
            if request_id and await self._is_repeat(change, document, request_id):
                return Record(document=document, revision=0)
            kept = await change.find(document.name)
            if kept is not None and kept.delete_time is None:
                raise AlreadyExists(self._reason("EXISTS"), f"{document.name} is there already")
            record = await self._put(change, document, None)
        await self._listener.catch_up()
        return record

    async def get(self, name: str, known_by: datetime | None = None) -> Record:
        """Return the resource of that name, of a site as known by then. Error: NotFound."""
        self._check_name(name)
        if known_by is None:
            record = await self._records.get(name)
        else:
            record = await self._records.get_as_known(name, known_by)
        if record is None:
            raise self._not_found(name)
        return record

    async def list(self, page: PageRequest, filters: Mapping[str, str]) -> Page[Record]:
        """Return a page of the resources that pass the filters, by name."""
        listed = "&".join([self._kind, *(f"{key}={filters[key]}" for key in sorted(filters))])
        found = await self._records.list(self._kind, filters, page.after(listed), page.limit + 1)
        items = tuple(next(parts(found, page.limit, lambda record: record.size_bytes), ()))
        more = len(found) > len(items)
        return Page(items=items, next_token=next_token(listed, items[-1].name) if more else "")

    async def update(
        self, name: str, merge: Merge, *, etag: str = "", allow_missing: bool = False
    ) -> Record:
        """Change a resource, or create it when allowed.

        Errors: NotFound; Aborted `ETAG_MISMATCH`; those of `merge` and `check`.
        """
        self._check_name(name)
        async with self._records.change() as change:
            kept = _living(await change.find(name))
            if kept is None and not allow_missing:
                raise self._not_found(name)
            _check_etag(name, kept, etag)
            document = merge(None if kept is None else kept.document)
            if kept is not None and document.body == kept.document.body:
                return kept
            record = await self._put(change, document, kept)
        await self._listener.catch_up()
        return record

    async def delete(self, name: str, *, etag: str = "", allow_missing: bool = False) -> None:
        """Delete a resource from now on; its past stays.

        Errors: NotFound unless `allow_missing`; Aborted `ETAG_MISMATCH`; FailedPrecondition
        `STILL_REFERRED_TO` naming one of those that refer to it.
        """
        self._check_name(name)
        async with self._records.change() as change:
            kept = _living(await change.find(name))
            if kept is None and allow_missing:
                return
            if kept is None:
                raise self._not_found(name)
            _check_etag(name, kept, etag)
            await self._check_unused(change, name)
            await change.delete(kept, self._clock.now())
        await self._listener.catch_up()

    async def _put(self, change: RecordChange, document: Document, kept: Record | None) -> Record:
        require(
            len(document.body) <= LARGEST_BODY_BYTES,
            "TOO_MANY_ITEMS",
            f"{document.name} takes {len(document.body)} bytes, more than {LARGEST_BODY_BYTES}",
            self._kind,
        )
        now = self._clock.now()
        await check(change, document.resource, now)
        return await change.put(document, kept, now)

    async def _check_unused(self, change: RecordChange, name: str) -> None:
        now = self._clock.now()
        for other in await change.referring({name}):
            if name in needs(other.resource, now):
                raise FailedPrecondition(
                    "STILL_REFERRED_TO", f"{other.name} refers to {name}", {"name": other.name}
                )

    async def _is_repeat(self, change: RecordChange, document: Document, request_id: str) -> bool:
        match await change.request(document, request_id):
            case FirstRequest():
                return False
            case RepeatedRequest():
                return True
            case RequestIdTaken():
                raise InvalidArgument(
                    "REQUEST_ID_TAKEN",
                    f"request id {request_id!r} belongs to another request",
                    field="request_id",
                )
            case never:
                assert_never(never)

    def _check_name(self, name: str) -> None:
        _PARSERS[self._kind](name)

    def _reason(self, what: str) -> str:
        return f"{self._kind.upper()}_{what}"

    def _not_found(self, name: str) -> NotFound:
        return NotFound(self._reason("NOT_FOUND"), f"there is no {name}")


def _living(record: Record | None) -> Record | None:
    return record if record is not None and record.delete_time is None else None


def _check_etag(name: str, kept: Record | None, etag: str) -> None:
    if etag and (kept is None or etag != kept.document.etag):
        raise Aborted(
            "ETAG_MISMATCH", f"{name} has changed since it was read: read it again, then change it"
        )
