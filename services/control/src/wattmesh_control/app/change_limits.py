"""Set and withdraw limits; what runs is clamped, or let free, at once."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wattmesh_control.app.catalog import DeviceCatalog
from wattmesh_control.app.changes import Announce
from wattmesh_control.app.ports import Document, Ledger, LimitArchive
from wattmesh_control.app.reconcile import Reconcile
from wattmesh_control.domain.limits import Limit
from wattmesh_control.domain.wish import check_text
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument, NotFound
from wattmesh_kernel.ids import DeviceId, LimitId

_METHOD = "SetLimit"


def new_limit_id() -> LimitId:
    """Return a name that no limit has."""
    return LimitId(uuid.uuid4().hex)


class SetLimit:
    """Puts an owner's limit on a device, in place of the one it had there."""

    def __init__(
        self,
        *,
        clock: Clock,
        ledger: Ledger,
        catalog: DeviceCatalog,
        reconcile: Reconcile,
        announce: Announce,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._catalog = catalog
        self._reconcile = reconcile
        self._announce = announce

    async def __call__(self, limit: Limit, request_id: str) -> Limit:
        """Store a limit and return it under its name; a repeat gets the first answer.

        An empty `request_id` means that repeats are not recognised. Errors: InvalidArgument when
        it has expired already; NotFound for the device; Unavailable while devices are not known.
        """
        check_text(limit.owner, "limit.owner")
        self._check_expiry(limit)
        await self._catalog.require([limit.device])
        self._catalog.get(limit.device)
        async with self._ledger.transaction() as books:
            if request_id:
                first = await books.requests.claim(_METHOD, request_id, self._clock.now())
                if first is not None:
                    return _from_document(first)
            await books.lock([limit.device])
            stored = await books.limits.put(limit)
            changes = await self._reconcile(books, [limit.device])
            if request_id:
                await books.requests.remember(_METHOD, request_id, _to_document(stored))
        self._announce(changes)
        return stored

    def _check_expiry(self, limit: Limit) -> None:
        if not limit.in_force(self._clock.now()):
            raise InvalidArgument(
                "LIMIT_EXPIRED", "the limit has expired already", field="limit.expire_time"
            )


class DeleteLimit:
    """Withdraws a limit."""

    def __init__(
        self,
        *,
        clock: Clock,
        ledger: Ledger,
        archive: LimitArchive,
        reconcile: Reconcile,
        announce: Announce,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._archive = archive
        self._reconcile = reconcile
        self._announce = announce

    async def __call__(self, name: LimitId) -> None:
        """Withdraw a limit in force. Error: NotFound."""
        limit = await self._archive.get(name, self._clock.now())
        if limit is None:
            raise NotFound("LIMIT_NOT_FOUND", f"there is no {name} in force")
        async with self._ledger.transaction() as books:
            await books.lock([limit.device])
            await books.limits.remove(name)
            changes = await self._reconcile(books, [limit.device])
        self._announce(changes)


def _to_document(limit: Limit) -> Document:
    return {
        "limit": limit.limit.name,
        "device": limit.device.name,
        "owner": limit.owner,
        "min_power_w": limit.min_power_w,
        "max_power_w": limit.max_power_w,
        "expire_time": limit.expire_time.isoformat(),
        "reason": limit.reason,
    }


def _from_document(document: Mapping[str, Any]) -> Limit:
    return Limit(
        limit=LimitId.parse(document["limit"]),
        device=DeviceId.parse(document["device"]),
        owner=document["owner"],
        min_power_w=document["min_power_w"],
        max_power_w=document["max_power_w"],
        expire_time=datetime.fromisoformat(document["expire_time"]),
        reason=document["reason"],
    )
