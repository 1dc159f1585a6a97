"""One call with bytes as they are, and what came of it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

from tests.fuzz.methods import Method
from wattmesh_runtime.errors import STATUS_DETAILS_KEY

DEADLINE_SECONDS = 5.0
FIRST_SECONDS = 0.1
"""How long a stream may say nothing at first before it is left [s]."""
QUIET_SECONDS = 0.02
"""The same, once it has said something [s]."""
MOST_ANSWERS = 20
_BROKEN_OFF = "Internal error from Core"
"""What the library makes of a stream that the server ended while it was written to: the status is
lost on this side, and the server's log alone says whether it was a fault."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """How a call ended."""

    code: str
    reason: str = ""
    message: str = ""
    seconds: float = 0.0
    content: bytes = b""
    """The last message that came back."""


async def call(
    channel: grpc.aio.Channel,
    method: Method,
    contents: Sequence[bytes],
    metadata: Sequence[tuple[str, str]] = (),
) -> Answered:
    """Call a method with these messages; a stream that answers is a call that went well."""
    began = time.perf_counter()
    try:
        if method.takes_many or method.gives_many:
            content = await _streamed(channel, method, contents, metadata)
        else:
            start: Any = channel.unary_unary(method.path)
            content = await start(contents[0], timeout=DEADLINE_SECONDS, metadata=metadata)
    except grpc.aio.AioRpcError as error:
        if error.details() == _BROKEN_OFF:
            return Answered(code="BROKEN_OFF")
        seconds = time.perf_counter() - began
        return Answered(
            code=error.code().name,
            reason=_reason(error),
            message=str(error.details()),
            seconds=seconds,
        )
    return Answered(code="OK", content=content, seconds=time.perf_counter() - began)


async def _streamed(
    channel: grpc.aio.Channel, method: Method, contents: Sequence[bytes], metadata: Any
) -> bytes:
    stream: Any
    if method.takes_many:
        stream = channel.stream_stream(method.path)(timeout=DEADLINE_SECONDS, metadata=metadata)
        await _write(stream, contents)
    else:
        start: Any = channel.unary_stream(method.path)
        stream = start(contents[0], timeout=DEADLINE_SECONDS, metadata=metadata)
    try:
        return await _read(stream)
    finally:
        stream.cancel()


async def _write(stream: Any, contents: Sequence[bytes]) -> None:
    try:
        for content in contents:
            await stream.write(content)
        await stream.done_writing()
    except asyncio.InvalidStateError:
        pass  # it has ended already, and reading says how


async def _read(stream: Any) -> bytes:
    """Return the last message that comes before the stream ends or has nothing more to say."""
    last, patience = b"", FIRST_SECONDS
    for _ in range(MOST_ANSWERS):
        reading = asyncio.ensure_future(stream.read())
        await asyncio.wait([reading], timeout=patience)
        if not reading.done():
            stream.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            return last
        content = reading.result()
        if content is grpc.aio.EOF:
            break
        last, patience = content, QUIET_SECONDS
    return last


def _reason(error: grpc.aio.AioRpcError) -> str:
    details = dict(error.trailing_metadata() or ())
    content = details.get(STATUS_DETAILS_KEY)
    info = error_details_pb2.ErrorInfo()
    if isinstance(content, bytes):
        for detail in status_pb2.Status.FromString(content).details:
            if detail.Unpack(info):
                return info.reason
    return ""
