"""As whom a VTN of OpenADR 2.0b knows us, and what we opted out of, kept beside other objects."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from wattmesh_demandresponse.adapters.openadr2_line import Registration
from wattmesh_demandresponse.app.openadr_objects import KeptObject, Objects
from wattmesh_kernel.clock import Clock

REGISTRATION = "REGISTRATION"
OPTS = "OPTS"


class KeptDocument:
    """One document of a kind: that of a name at a URL."""

    def __init__(self, objects: Objects, kind: str, url: str, ven_name: str, clock: Clock) -> None:
        self._objects = objects
        self._kind = kind
        said = f"{url}\n{ven_name}" + ("" if kind == REGISTRATION else f"\n{kind}")
        self._id = hashlib.blake2s(said.encode(), digest_size=16).hexdigest()
        self._clock = clock

    async def get(self) -> Mapping[str, Any] | None:
        """Return it."""
        found = await self._objects.get(self._kind, self._id)
        return None if found is None else found.document

    async def put(self, document: Mapping[str, Any] | None) -> None:
        """Keep it; None: there is none any more."""
        if document is None:
            await self._objects.delete(self._id)
            return
        now = self._clock.now()
        await self._objects.put(
            KeptObject(
                id=self._id,
                kind=self._kind,
                client_id="",
                create_time=now,
                change_time=now,
                document=document,
            )
        )


class KeptOptIds:
    """The ids of opts by what they are about, of a VEN at a URL."""

    def __init__(self, document: KeptDocument) -> None:
        self._document = document

    async def kept(self) -> Mapping[str, str]:
        """Return them."""
        return await self._document.get() or {}

    async def keep(self, opts: Mapping[str, str]) -> None:
        """Keep them."""
        await self._document.put(opts)


class KeptRegistrations:
    """One registration: of a name at a URL."""

    def __init__(self, document: KeptDocument) -> None:
        self._document = document

    async def kept(self) -> Registration | None:
        """Return it."""
        found = await self._document.get()
        return None if found is None else Registration(**found)

    async def keep(self, registration: Registration | None) -> None:
        """Keep it; None: there is none any more."""
        await self._document.put(None if registration is None else asdict(registration))
