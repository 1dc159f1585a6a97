"""Where charge points dial in: who is let in, and who is refused by name."""

import asyncio
import base64
import binascii
import hmac
import logging
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import NegotiationError
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from wattmesh_gateway.domain.telegram import shortened
from wattmesh_gateway.drivers.ocpp.charge_point import ChargePoint, NotKept
from wattmesh_gateway.drivers.ocpp.line import Line
from wattmesh_gateway.drivers.ocpp.settings import OcppSettings
from wattmesh_gateway.drivers.ocpp.versions import DIALECTS

log = logging.getLogger(__name__)

_MOST_MESSAGE_BYTES = 256 * 1024
_MOST_FRAMES_WAITING = 8
_PING_SECONDS = 20.0
_ALIVE_SECONDS = 2.0
_CLOSE_SECONDS = 1.0
_MOST_SAID = 1000


class CentralSystem:
    """Lets in the charge points that the site model knows; each is known by the end of its URL."""

    def __init__(self, settings: OcppSettings, points: Mapping[str, ChargePoint]) -> None:
        self._settings = settings
        self._points = points
        self._said: set[str] = set()
        self._wanted = asyncio.Event()
        self._serving = asyncio.Event()
        self._not_kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wanted(self) -> None:
        """Serve from now on: before a charge point is known, all would be strangers."""
        self._wanted.set()

    async def wait_until_serving(self, seconds: float) -> bool:
        """Wait until charge points may dial in, if any is known, but no longer; say if so."""
        try:
            async with asyncio.timeout(seconds):
                while self._wanted.is_set() and not self._serving.is_set():
                    await self._serving.wait()
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Serve, for ever; raises what kept something from being kept: the process' trouble."""
        await self._wanted.wait()
        async with self._server():
            await asyncio.shield(self._not_kept)

    @asynccontextmanager
    async def _server(self) -> AsyncIterator[None]:
        """Serve until the context ends."""
        host, _, port = self._settings.ocpp_listen_address.rpartition(":")
        quiet = logging.getLogger(f"{__name__}.websockets")
        quiet.setLevel(logging.CRITICAL)  # it logs each peer that breaks off
        async with serve(
            self._converse,
            host.strip("[]"),
            int(port),
            process_request=self._admit,
            subprotocols=[Subprotocol(name) for name in DIALECTS],
            select_subprotocol=_select,
            ssl=self._tls(),
            compression=None,
            max_size=_MOST_MESSAGE_BYTES,
            max_queue=_MOST_FRAMES_WAITING,
            ping_interval=_PING_SECONDS,
            ping_timeout=_PING_SECONDS,
            close_timeout=_CLOSE_SECONDS,
            server_header=None,
            logger=quiet,
        ) as server:
            log.info("charge points dial in on port %d", _port(server))
            self._serving.set()
            yield

    async def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        """Refuse who is not known, gives no password, or is there already; None lets in."""
        name = _name(request)
        point = self._points.get(name)
        if point is None or not point.devices:
            self._say(name, "is no charge point of the site model: refused")
            return socket.respond(HTTPStatus.NOT_FOUND, "not known here\n")
        if not self._has_password(name, request):
            self._say(name, "gave no password, or a wrong one: refused")
            refusal = socket.respond(HTTPStatus.UNAUTHORIZED, "a password is needed\n")
            refusal.headers["WWW-Authenticate"] = "Basic"
            return refusal
        if point.line is not None and await point.line.is_alive(_ALIVE_SECONDS):
            self._say(name, "dialled in while it was there already: refused")
            return socket.respond(HTTPStatus.CONFLICT, "is there already\n")
        return None

    async def _converse(self, socket: ServerConnection) -> None:
        """Talk to a charge point until it is gone; what it does is its own trouble alone."""
        name = _name(socket.request) if socket.request else ""
        point = self._points.get(name)
        if point is None:
            return
        line = Line(socket, self._settings.ocpp_timeout_seconds)
        try:
            await point.converse(line, DIALECTS[socket.subprotocol or ""])
        except NotKept as error:
            if not self._not_kept.done():
                self._not_kept.set_exception(error.__cause__ or error)
        except Exception as error:  # the edge to a peer that may do anything
            self._say(name, shortened(f"was hung up: {type(error).__name__}: {error}"))

    def _has_password(self, name: str, request: Request) -> bool:
        password = self._settings.ocpp_password
        if password is None:
            return True
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        try:
            user, _, said = base64.b64decode(given, validate=True).partition(b":")
        except (binascii.Error, ValueError):
            return False
        right = hmac.compare_digest(said, password.get_secret_value().encode())
        return scheme.lower() == "basic" and user == name.encode() and right

    def _tls(self) -> ssl.SSLContext | None:
        certificate, key = self._settings.ocpp_certificate_file, self._settings.ocpp_key_file
        if certificate is None or key is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context

    def _say(self, name: str, what: str) -> None:
        """Say something once for each name; the names that strangers give are without number."""
        said = f"{name[:48]!r} {what}"
        if said not in self._said and len(self._said) < _MOST_SAID:
            self._said.add(said)
            log.warning("charge point %s (said once)", said)


def _name(request: Request) -> str:
    """Return the id of a charge point: the last part of the path."""
    return unquote(urlsplit(request.path).path.rstrip("/").rpartition("/")[2])


def _select(socket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol:
    """Return the newest version that both speak; refuse who names none."""
    for name in DIALECTS:
        if name in offered:
            return Subprotocol(name)
    raise NegotiationError("no version of OCPP that is spoken here was offered")


def _port(server: Server) -> int:
    port: int = next(iter(server.sockets)).getsockname()[1]
    return port
