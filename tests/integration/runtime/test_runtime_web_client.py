"""Whatever a server of others answers is told as Unavailable, in time, and nothing is leaked."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from wattmesh_kernel.errors import Unavailable
from wattmesh_runtime.web_client import WebClient

_Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def server(serve: _Serve) -> AsyncIterator[str]:
    """Have something answer at a port of this machine, and return its URL."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await serve(reader, writer)
            await writer.drain()
        writer.close()

    listening = await asyncio.start_server(served, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"


def answering(head: str, body: bytes = b"", *, length: int | None = None) -> _Serve:
    """Answer each request with this, whole."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        told = len(body) if length is None else length
        writer.write(f"{head}\r\nContent-Length: {told}\r\n\r\n".encode() + body)

    return serve


OK = "HTTP/1.1 200 OK\r\nContent-Type: application/json"

_HOSTILE: dict[str, tuple[_Serve, str]] = {
    "nested a hundred thousand deep": (answering(OK, b"[" * 100_000), "JSON"),
    "not a number": (answering(OK, b'{"price": NaN}'), "NaN"),
    "infinite": (answering(OK, b'{"price": 1e999}'), "1e999"),
    "a number of 400 digits": (answering(OK, b'{"price": ' + b"9" * 400 + b"}"), "400 digits"),
    "nothing": (answering(OK), "JSON"),
    "bytes that are no text": (answering(OK, b"\xff\xfe\x00\x01" * 4), "JSON"),
    "less than it says": (answering(OK, b"{}", length=100), "does not answer"),
    "not HTTP": (answering("SSH-2.0-OpenSSH_9.2"), "does not answer"),
    "too much": (answering(OK, b" " * 2_000_000), "1,000,000 bytes"),
    "too much once unpacked": (
        answering(f"{OK}\r\nContent-Encoding: gzip", gzip.compress(b" " * 50_000_000)),
        "bytes",
    ),
    "a failure": (answering("HTTP/1.1 503 Away", b"back at noon"), "503: back at noon"),
}


@pytest.mark.parametrize("what", _HOSTILE)
async def test_what_makes_no_sense_is_unavailable_with_its_reason(what: str) -> None:
    serve, reason = _HOSTILE[what]
    async with server(serve) as url:
        with pytest.raises(Unavailable) as told:
            (await WebClient("the publisher", most_bytes=1_000_000).ask(url)).json()
    assert told.value.message.startswith("the publisher")
    assert reason in told.value.message
    assert len(told.value.message) < 1_000


async def test_an_answer_that_drips_is_given_up_in_time() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"{OK}\r\nContent-Length: 1000000\r\n\r\n".encode())
        while not writer.is_closing():  # each byte comes sooner than any time-out of one read
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with server(drip) as url:
        with pytest.raises(Unavailable, match=r"within 0\.5 s"):
            await WebClient("the publisher", seconds=0.5).ask(url)


async def test_a_token_does_not_follow_to_another_host() -> None:
    heard = list[bytes]()

    async def hear(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))

    async with (
        server(hear) as thief,
        server(answering(f"HTTP/1.1 302 Found\r\nLocation: {thief}/")) as url,
    ):
        with pytest.raises(Unavailable, match=thief):
            await WebClient("the VTN").ask(url, headers={"Authorization": "Bearer secret"})
    assert not heard


async def test_nobody_there_is_told_without_what_was_asked() -> None:
    async with server(answering(OK)) as url:
        pass
    with pytest.raises(Unavailable) as told:
        await WebClient("the publisher").ask(url, query={"securityToken": "secret"})
    assert "secret" not in told.value.message


async def test_what_is_well_is_returned() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        body = await reader.readexactly(2) if head.startswith("POST") else head.encode()
        writer.write(f"{OK}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    async with server(echo) as url:
        client = WebClient("the publisher")
        asked = (await client.ask(f"{url}/v1", query={"zone": "DE LU"})).whole()
        assert asked.startswith(b"GET /v1?zone=DE+LU HTTP/1.1")
        assert (await client.ask(url, body=b"{}")).json() == {}
