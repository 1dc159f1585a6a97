"""Asking servers of others over HTTP: whatever they answer, it is bounded and it is told.

A publisher of prices or weather, somebody's VTN, an Alertmanager: none of them is ours, and any of
them may drip its answer byte by byte, never end it, nest it a million deep, send us with our token
to another host, or answer in what is not HTTP at all. All of that is Unavailable here, within a
time that holds for the whole of it. Needs the extra `web-client`.
"""

import json
import math
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import aiohttp

from wattmesh_kernel.errors import Unavailable

_SAID = 300
"""So many bytes of what a server says of a failure are told on."""
_MOST_DIGITS = 19
"""An integer of JSON with more has no meaning for anybody here, and no column takes it."""
_PIECE = 65_536


@dataclass(frozen=True, kw_only=True, slots=True)
class WebAnswer:
    """What a server said: its HTTP status and what it sent, whole."""

    whom: str
    status: int
    body: bytes

    def whole(self) -> bytes:
        """Return what was sent. Error: Unavailable unless the status says success."""
        if not 200 <= self.status < 300:
            said = self.body[:_SAID].decode(errors="replace").strip()
            raise _unavailable(
                f"{self.whom} answered {self.status}" + (f": {said}" if said else "")
            )
        return self.body

    def json(self) -> Any:
        """Return the JSON that was sent: numbers in it are finite, and none is absurdly long.

        Error: Unavailable, also for a status that does not say success.
        """
        body = self.whole()
        try:
            return json.loads(
                body, parse_constant=_not_json, parse_int=_integer, parse_float=_number
            )
        except (ValueError, RecursionError) as error:
            raise _unavailable(f"{self.whom} does not answer in JSON: {error}") from error


class WebClient:
    """Asks one server, or those of one kind.

    `whom` it is told as in errors. `seconds` is for a whole answer, from looking up its name to
    the last byte, of at most `most_bytes`, unpacked. `tls`: for a server that wants a certificate.
    No redirect is followed: where one is sent to need not be a host that may have the token.
    """

    def __init__(
        self,
        whom: str,
        *,
        seconds: float = 20.0,
        most_bytes: int = 20_000_000,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._whom = whom
        self._timeout = aiohttp.ClientTimeout(total=seconds)
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._tls: ssl.SSLContext | bool = True if tls is None else tls

    async def ask(
        self,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> WebAnswer:
        """GET, or POST a body. Error: Unavailable, without what was sent."""
        method = "GET" if body is None else "POST"
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout, trust_env=True) as session,
                session.request(
                    method,
                    url,
                    params=query,
                    headers=headers,
                    data=body,
                    allow_redirects=False,
                    ssl=self._tls,
                ) as response,
            ):
                if 300 <= response.status < 400:
                    elsewhere = response.headers.get("Location", "")[:_SAID]
                    raise _unavailable(
                        f"{self._whom} is not there any more, but at {elsewhere!r}: "
                        "say so in the settings if it may be asked there"
                    )
                found = await self._read(response)
                return WebAnswer(whom=self._whom, status=response.status, body=found)
        except TimeoutError as error:
            raise _unavailable(
                f"{self._whom} does not answer within {self._seconds:g} s"
            ) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Of an error's text the first line: some tell the whole of what was received.
            said = (str(error).splitlines() or [""])[0][:_SAID] or type(error).__name__
            raise _unavailable(f"{self._whom} does not answer: {said}") from error

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        found = bytearray()
        async for piece in response.content.iter_chunked(_PIECE):
            found += piece
            if len(found) > self._most_bytes:
                raise _unavailable(f"{self._whom} answers more than {self._most_bytes:,} bytes")
        return bytes(found)


def _unavailable(what: str) -> Unavailable:
    return Unavailable("DEPENDENCY_UNAVAILABLE", what)


def _not_json(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"an integer of {len(digits)} digits")
    return int(digits)


def _number(digits: str) -> float:
    found = float(digits)
    if not math.isfinite(found):
        raise ValueError(f"{digits[:20]} is beyond any number")
    return found
