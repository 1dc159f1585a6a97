"""VENs, resources, reports and subscriptions: kept for the clients that send them."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from wattmesh_demandresponse.domain.openadr_clients import Client, ClientRole
from wattmesh_demandresponse.domain.openadr_time import time_to_text
from wattmesh_demandresponse.domain.subscriptions import (
    CREATE,
    DELETE,
    UPDATE,
    subscription_from_json,
)
from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import AlreadyExists, NotFound

SUBSCRIPTION = "SUBSCRIPTION"
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "VEN": ("venName",),
    "RESOURCE": ("resourceName", "venID"),
    "REPORT": ("eventID", "clientName", "resources"),
    SUBSCRIPTION: ("clientName", "objectOperations"),
}
_NAMES = {"VEN": "venName", "RESOURCE": "resourceName"}
_OWN = ("id", "createdDateTime", "modificationDateTime", "objectType", "clientID")


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptObject:
    """What a client sent, and when."""

    id: str
    kind: str
    client_id: str
    create_time: datetime
    change_time: datetime
    document: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return it as it is read: tokens of subscribers are nobody's but theirs."""
        return {
            **_without_tokens(self.document),
            "id": self.id,
            "createdDateTime": time_to_text(self.create_time),
            "modificationDateTime": time_to_text(self.change_time),
            "objectType": self.kind,
            "clientID": self.client_id,
        }


class Objects(Protocol):
    """Where they are kept."""

    async def put(self, kept: KeptObject) -> None:
        """Keep an object as it is now."""

    async def get(self, kind: str, object_id: str) -> KeptObject | None:
        """Return an object of a kind."""

    async def delete(self, object_id: str) -> None:
        """Delete an object."""

    async def list(
        self, kind: str, client_id: str | None, like: dict[str, str], skip: int, limit: int
    ) -> Sequence[KeptObject]:
        """Return objects of a kind with these members, the oldest first; None: of all clients."""


class Tell(Protocol):
    """Who wants to know what happened to an object."""

    async def __call__(self, kept: KeptObject, operation: str) -> None:
        """Take note of it."""


class KeepObjects:
    """A VEN sees its own objects, business logic those of all.

    `hosts` may be called back by subscriptions; `tell` hears of each change.
    """

    def __init__(
        self,
        objects: Objects,
        clock: Clock,
        *,
        hosts: Sequence[str] = (),
        tell: Tell | None = None,
    ) -> None:
        self._objects = objects
        self._clock = clock
        self._hosts = hosts
        self._tell = tell

    async def create(self, client: Client, kind: str, given: Mapping[str, Any]) -> KeptObject:
        """Keep a new object. Errors: InvalidArgument; AlreadyExists for a name that is there."""
        document = self._checked(kind, client, given)
        name = _NAMES.get(kind)
        if name is not None:
            like = {name: str(document[name])}
            if await self._objects.list(kind, client.client_id, like, 0, 1):
                raise AlreadyExists("NAME_TAKEN", f"there is a {kind} {document[name]!r}")
        now = self._clock.now()
        kept = KeptObject(
            id=uuid.uuid4().hex,
            kind=kind,
            client_id=client.client_id,
            create_time=now,
            change_time=now,
            document=document,
        )
        await self._objects.put(kept)
        await self._told(kept, CREATE)
        return kept

    async def get(self, client: Client, kind: str, object_id: str) -> KeptObject:
        """Return an object. Error: NotFound, for one of somebody else too."""
        kept = await self._objects.get(kind, object_id)
        if kept is None or not _may_see(client, kept):
            raise NotFound("OBJECT_NOT_FOUND", f"there is no {kind} {object_id}")
        return kept

    async def change(
        self, client: Client, kind: str, object_id: str, given: Mapping[str, Any]
    ) -> KeptObject:
        """Keep an object as it is now."""
        kept = await self.get(client, kind, object_id)
        document = self._checked(kind, client, given)
        after = replace(kept, document=document, change_time=self._clock.now())
        await self._objects.put(after)
        await self._told(after, UPDATE)
        return after

    async def delete(self, client: Client, kind: str, object_id: str) -> KeptObject:
        """Delete an object; return it."""
        kept = await self.get(client, kind, object_id)
        await self._objects.delete(object_id)
        await self._told(kept, DELETE)
        return kept

    async def list(
        self, client: Client, kind: str, like: dict[str, str], skip: int, limit: int
    ) -> Sequence[KeptObject]:
        """Return objects with these members, the oldest first."""
        whose = None if client.role is ClientRole.BUSINESS else client.client_id
        return await self._objects.list(kind, whose, like, skip, limit)

    def _checked(self, kind: str, client: Client, given: Mapping[str, Any]) -> dict[str, Any]:
        for field in _REQUIRED[kind]:
            there = field in given if field == "resources" else bool(given.get(field))
            require(there, "MISSING_FIELD", f"{field} is required", field)
        if kind == SUBSCRIPTION:
            subscription_from_json("", client.client_id, given, self._hosts)
        return {name: value for name, value in given.items() if name not in _OWN}

    async def _told(self, kept: KeptObject, operation: str) -> None:
        if self._tell is not None:
            await self._tell(kept, operation)


def _without_tokens(document: Mapping[str, Any]) -> dict[str, Any]:
    operations = document.get("objectOperations")
    if not isinstance(operations, list):
        return dict(document)
    shown = [
        {name: value for name, value in each.items() if name != "bearerToken"}
        for each in operations
    ]
    return {**document, "objectOperations": shown}


def _may_see(client: Client, kept: KeptObject) -> bool:
    return client.role is ClientRole.BUSINESS or kept.client_id == client.client_id
