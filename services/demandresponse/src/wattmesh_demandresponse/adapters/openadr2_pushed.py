"""What a VTN of OpenADR 2.0b calls us with: checked, answered at once, and kept until it is taken.

Whichever process it reaches keeps it; the one that follows the VTN takes it. A call is told from a
stranger's by its signature where the VTN's fingerprint is set, and by its ids in any case. Events
in it are not taken: that they changed is, and they are asked for.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from wattmesh_demandresponse.adapters.openadr2_line import Registration, Registrations
from wattmesh_demandresponse.adapters.openadr2_messages import Forged, Message, Signing, read, write
from wattmesh_demandresponse.app.openadr_objects import KeptObject, Objects
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import ResourceExhausted, Unauthenticated

_log = logging.getLogger(__name__)

_KIND = "PUSHED"
_MOST_WAITING = 200
_INVALID_ID, _NOT_RECOGNIZED, _NOT_REGISTERED = 452, 453, 463
_SERVED: Mapping[str, Mapping[str, str]] = {
    "EiEvent": {"oadrDistributeEvent": "oadrResponse"},
    "EiReport": {
        "oadrCreateReport": "oadrCreatedReport",
        "oadrCancelReport": "oadrCanceledReport",
        "oadrRegisterReport": "oadrRegisteredReport",
    },
    "EiRegisterParty": {
        "oadrRequestReregistration": "oadrResponse",
        "oadrCancelPartyRegistration": "oadrCanceledPartyRegistration",
    },
}
"""By service, what is taken, and what answers it."""
_ONLY_ANSWERED = "oadrRegisterReport"


class Pushed(Protocol):
    """What waits to be taken."""

    async def waiting(self) -> Sequence[tuple[str, Message]]:
        """Return it, the oldest first, each with its key."""

    async def taken(self, key: str) -> None:
        """Forget one."""

    async def any(self) -> bool:
        """Whether anything waits."""


class Oadr2Pushed:
    """One VTN's calls."""

    def __init__(
        self, registrations: Registrations, signing: Signing, objects: Objects, clock: Clock
    ) -> None:
        self._registrations = registrations
        self._signing = signing
        self._objects = objects
        self._clock = clock

    async def take(self, service: str, content: bytes) -> bytes:
        """Return the answer to a call.

        Errors: InvalidArgument for what is not OpenADR 2.0b; Unauthenticated for what the VTN did
        not sign; ResourceExhausted where too much waits.
        """
        try:
            message = read(content, self._signing)
        except Forged as error:
            raise Unauthenticated("CALLER_UNKNOWN", error.message) from error
        known = await self._registrations.kept()
        code, why = _refusal(service, message, known)
        if known is None or code:
            _log.warning("a call with %s is refused: %s", message.kind or "nothing", why)
            return self._answer("oadrResponse", message, known, code, why)
        if message.kind != _ONLY_ANSWERED:
            await self._keep(message, content)
        return self._answer(_SERVED[service][message.kind], message, known)

    async def any(self) -> bool:
        """Whether anything waits."""
        return bool(await self._objects.list(_KIND, None, {}, 0, 1))

    async def waiting(self) -> Sequence[tuple[str, Message]]:
        """Return what waits, the oldest first. Its signature was checked when it came."""
        kept = await self._objects.list(_KIND, None, {}, 0, _MOST_WAITING)
        return [(each.id, read(each.document["xml"].encode(), Signing())) for each in kept]

    async def taken(self, key: str) -> None:
        """Forget one."""
        await self._objects.delete(key)

    async def _keep(self, message: Message, content: bytes) -> None:
        """Keep it once, however often it is said; that events changed is one thing."""
        event = message.kind == "oadrDistributeEvent"
        said = message.kind if event else f"{message.kind} {message.request_id}"
        key = hashlib.blake2s(said.encode(), digest_size=16, person=b"pushed").hexdigest()
        waiting = await self._objects.list(_KIND, None, {}, 0, _MOST_WAITING)
        if len(waiting) >= _MOST_WAITING and all(each.id != key for each in waiting):
            raise ResourceExhausted("TOO_BUSY", "too much waits: call again later")
        now = self._clock.now()
        await self._objects.put(
            KeptObject(
                id=key,
                kind=_KIND,
                client_id="",
                create_time=now,
                change_time=now,
                document={"xml": content.decode()},
            )
        )

    def _answer(
        self,
        kind: str,
        message: Message,
        known: Registration | None,
        code: int = 200,
        why: str = "OK",
    ) -> bytes:
        reports = message.texts(".//ei:reportRequestID")
        cancelled = message.kind == "oadrCancelReport"
        more: dict[str, Any] = {
            "pending_reports": [
                {"report_request_id": each} for each in ([] if cancelled else reports)
            ],
            "report_requests": [],
            "registration_id": "" if known is None else known.registration_id,
        }
        return write(
            kind,
            self._signing,
            ven_id="" if known is None else known.ven_id,
            response={
                "response_code": code or 200,
                "response_description": why,
                "request_id": message.request_id,
            },
            **more,
        )


def _refusal(service: str, message: Message, known: Registration | None) -> tuple[int, str]:
    """Return why a call is not taken, as a response code; 0: it is."""
    if message.kind not in _SERVED.get(service, {}):
        return _NOT_RECOGNIZED, f"{message.kind or 'nothing'} is not for {service}"
    if known is None:
        return _NOT_REGISTERED, "this VEN is not registered"
    vtn = message.text("ei:vtnID")
    if vtn and known.vtn_id and vtn != known.vtn_id:
        return _INVALID_ID, "the vtnID is not that of our VTN"
    vens = message.told_vens
    if vens and known.ven_id not in vens:
        return _INVALID_ID, "the venID is not ours"
    registration = message.text("ei:registrationID")
    if registration and registration != known.registration_id:
        return _INVALID_ID, "the registrationID is not ours"
    return 0, "OK"
