"""As whom a VTN of OpenADR 2.0b knows us, kept beside what OpenADR's clients sent."""

import hashlib

from wattmesh_demandresponse.adapters.openadr2_line import Registration
from wattmesh_demandresponse.app.openadr_objects import KeptObject, Objects
from wattmesh_kernel.clock import Clock

_KIND = "REGISTRATION"


class KeptRegistrations:
    """One registration: of a name at a URL."""

    def __init__(self, objects: Objects, url: str, ven_name: str, clock: Clock) -> None:
        self._objects = objects
        self._id = hashlib.blake2s(f"{url}\n{ven_name}".encode(), digest_size=16).hexdigest()
        self._clock = clock

    async def kept(self) -> Registration | None:
        """Return it."""
        found = await self._objects.get(_KIND, self._id)
        return None if found is None else Registration(**found.document)

    async def keep(self, registration: Registration | None) -> None:
        """Keep it; None: there is none any more."""
        if registration is None:
            await self._objects.delete(self._id)
            return
        now = self._clock.now()
        await self._objects.put(
            KeptObject(
                id=self._id,
                kind=_KIND,
                client_id="",
                create_time=now,
                change_time=now,
                document={
                    "ven_id": registration.ven_id,
                    "registration_id": registration.registration_id,
                },
            )
        )
