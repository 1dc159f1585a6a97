"""A VEN's way to a VTN of OpenADR 2.0b: simple HTTP, and as whom it is registered."""

import ssl
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from wattmesh_demandresponse.adapters.openadr2_messages import (
    LARGEST,
    Message,
    Signing,
    read,
    write,
)
from wattmesh_kernel.errors import InvalidArgument, Unavailable
from wattmesh_runtime.web_client import WebAnswer, WebClient

_TIMEOUT_SECONDS = 10.0
_RAREST = timedelta(days=1)
_NOT_SERVED = (404, 405, 501)


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """As whom a VTN knows this VEN."""

    ven_id: str
    registration_id: str
    vtn_id: str = ""


class Registrations(Protocol):
    """Where a registration is kept, for the next start."""

    async def kept(self) -> Registration | None:
        """Return it."""

    async def keep(self, registration: Registration | None) -> None:
        """Keep it; None: there is none any more."""


class Line:
    """One VEN's way to one VTN: messages over HTTP, signed and with TLS where there are keys."""

    def __init__(self, url: str, signing: Signing, tls: ssl.SSLContext | None = None) -> None:
        self._url = url.rstrip("/")
        self._signing = signing
        self._web = WebClient("the VTN", seconds=_TIMEOUT_SECONDS, most_bytes=LARGEST + 1, tls=tls)

    @property
    def signs(self) -> bool:
        """Whether messages are signed."""
        return self._signing.certificate is not None

    async def ask(self, service: str, kind: str, **content: Any) -> Message:
        """Return the VTN's answer. Error: Unavailable, for one that makes no sense too."""
        return self._read(kind, await self._say(service, kind, content))

    async def ask_if_served(self, service: str, kind: str, **content: Any) -> Message | None:
        """Return the VTN's answer; None: it does not serve that at all. Error: Unavailable."""
        answer = await self._say(service, kind, content)
        return None if answer.status in _NOT_SERVED else self._read(kind, answer)

    async def _say(self, service: str, kind: str, content: dict[str, Any]) -> WebAnswer:
        return await self._web.ask(
            f"{self._url}/{service}",
            headers={"Content-Type": "application/xml"},
            body=write(kind, self._signing, **content),
        )

    def _read(self, kind: str, answer: WebAnswer) -> Message:
        said = answer.whole()
        try:
            return read(said, self._signing)
        except InvalidArgument as error:
            raise Unavailable(
                "DEPENDENCY_UNAVAILABLE", f"the VTN's answer to {kind}: {error.message}"
            ) from error


class Party:
    """As whom a VTN knows this VEN: registered when needed, again when the VTN forgot.

    `push_url`: the root of where the VTN calls us; None: it is polled.
    """

    def __init__(
        self, line: Line, ven_name: str, registrations: Registrations, push_url: str | None = None
    ) -> None:
        self._line = line
        self._push_url = push_url
        self._ven_name = ven_name
        self._registrations = registrations
        self._registration: Registration | None = None
        self._dismissed = False
        self.poll_seconds: float | None = None

    async def ven_id(self) -> str:
        """Return the id that the VTN gave. Error: Unavailable where it gives none."""
        return (await self.registered()).ven_id

    async def registered(self) -> Registration:
        """Return the registration, after registering where there is none. Error: Unavailable."""
        if self._dismissed:
            raise Unavailable("DEPENDENCY_UNAVAILABLE", "the VTN has ended our registration")
        if self._registration is None:
            self._registration = await self._register()
        return self._registration

    def forget(self) -> None:
        """Register anew before the next message."""
        self._registration = None

    async def dismiss(self) -> None:
        """Register no more: the VTN has ended it."""
        self._dismissed = True
        await self._registrations.keep(None)

    async def _register(self) -> Registration:
        kept = await self._registrations.kept()
        answer = await self._line.ask(
            "EiRegisterParty",
            "oadrCreatePartyRegistration",
            registration_id=None if kept is None else kept.registration_id,
            ven_id=None if kept is None else kept.ven_id,
            profile_name="2.0b",
            transport_name="simpleHttp",
            transport_address=self._push_url or "",
            report_only=False,
            xml_signature=self._line.signs,
            http_pull_model=self._push_url is None,
            ven_name=self._ven_name,
        )
        found = Registration(
            ven_id=answer.text("ei:venID"),
            registration_id=answer.text("ei:registrationID"),
            vtn_id=answer.text("ei:vtnID"),
        )
        if not found.ven_id or not found.registration_id:
            if kept is not None:
                await self._registrations.keep(None)  # it may be this that is not known
            raise Unavailable("DEPENDENCY_UNAVAILABLE", "the VTN does not register us")
        self.poll_seconds = _poll_seconds(answer)
        if found != kept:
            await self._registrations.keep(found)
        return found


def _poll_seconds(answer: Message) -> float | None:
    try:
        every = answer.poll_every
    except InvalidArgument:
        return None
    if every is None:
        return None
    return min(max(every, timedelta(seconds=1)), _RAREST).total_seconds()
