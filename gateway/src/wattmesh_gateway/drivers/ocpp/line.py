"""One charge point's websocket: calls in both directions, one at a time each way."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

from ocpp.exceptions import FormatViolationError, OCPPError
from ocpp.exceptions import NotImplementedError as NotServedError
from ocpp.messages import Call, CallError, CallResult, MessageType, get_validator, unpack
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from wattmesh_gateway.app.spans import OCPP_CALL
from wattmesh_gateway.domain.errors import DeviceFailed, DeviceRefused, DeviceUnavailable
from wattmesh_gateway.drivers.ocpp.dialect import Request
from wattmesh_gateway.drivers.ocpp.heard import Json, Nonsense
from wattmesh_runtime.aio.spans import traced
from wattmesh_runtime.aio.tasks import race

_MOST_A_SECOND = 50
"""Messages that are taken from a charge point in a second of the wall; what is more, waits."""

_MOST_WAITING = 16
_SEND_SECONDS = 10.0
_FAILURES = ("InternalError", "GenericError")

Answer = Callable[[str, Json, str], Awaitable[Json]]
"""Answers a call: action, payload, the message as it came. Nonsense when it makes none."""


class Line:
    """Talks until the websocket closes."""

    def __init__(self, socket: ServerConnection, timeout_seconds: float) -> None:
        self._socket = socket
        self._timeout = timeout_seconds
        self._calling = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._asked = ""
        self._answered: asyncio.Future[CallResult | CallError] | None = None
        self._calls: asyncio.Queue[tuple[Call, str]] = asyncio.Queue(_MOST_WAITING)

    async def run(self, answer: Answer) -> None:
        """Take in what the charge point says, until it is gone."""
        try:
            await race(self._receive(), self._answer_all(answer))
        except (ConnectionClosed, TimeoutError):
            return
        finally:
            await self.close()
            if self._answered is not None and not self._answered.done():
                self._answered.set_exception(DeviceUnavailable("the charge point is gone"))

    async def call(self, request: Request) -> Json:
        """Ask something; errors: DeviceUnavailable, DeviceRefused, DeviceFailed."""
        async with self._calling:
            try:
                with traced(OCPP_CALL, action=request.action):
                    async with asyncio.timeout(self._timeout):
                        answer = await self._ask(request)
            except TimeoutError:
                raise DeviceUnavailable(f"no answer to {request.action}") from None
            except ConnectionClosed as error:
                raise DeviceUnavailable("the charge point is gone") from error
        if isinstance(answer, CallError):
            message = f"{request.action}: {str(answer.error_code)[:40]}"
            raise (DeviceFailed if answer.error_code in _FAILURES else DeviceRefused)(message)
        if not isinstance(answer.payload, dict):
            raise DeviceUnavailable(f"the answer to {request.action} makes no sense")
        return answer.payload

    async def is_alive(self, within_seconds: float) -> bool:
        """Return whether the other end answers."""
        try:
            async with asyncio.timeout(within_seconds):
                await (await self._socket.ping())
        except (ConnectionClosed, TimeoutError):
            return False
        return True

    async def close(self) -> None:
        """Hang up."""
        await self._socket.close()

    async def _ask(self, request: Request) -> CallResult | CallError:
        self._asked = f"wattmesh-{next(self._numbers)}"
        self._answered = asyncio.get_running_loop().create_future()
        try:
            await self._socket.send(Call(self._asked, request.action, request.payload).to_json())
            return await self._answered
        finally:
            self._asked, self._answered = "", None

    async def _receive(self) -> None:
        """Sort what comes in; raises ConnectionClosed at the end."""
        loop = asyncio.get_running_loop()
        second, count = loop.time(), 0
        while True:
            frame = await self._socket.recv()
            text = frame if isinstance(frame, str) else frame.decode("utf-8", "replace")
            count += 1
            if loop.time() - second >= 1.0:
                second, count = loop.time(), 1
            elif count > _MOST_A_SECOND:
                await asyncio.sleep(second + 1.0 - loop.time())
            message = _unpacked(text)
            if isinstance(message, Call):
                await self._calls.put((message, text))
            elif isinstance(message, CallResult | CallError):
                self._resolve(message)
            else:
                await self._calls.put((Call("-1", "", {}), text))

    def _resolve(self, answer: CallResult | CallError) -> None:
        """Hand over an answer; one to nothing that was asked is dropped."""
        waiting = self._answered
        if waiting is not None and not waiting.done() and answer.unique_id == self._asked:
            waiting.set_result(answer)

    async def _answer_all(self, answer: Answer) -> None:
        while True:
            call, text = await self._calls.get()
            reply = await self._answer(call, text, answer)
            async with asyncio.timeout(_SEND_SECONDS):
                await self._socket.send(reply.to_json())

    async def _answer(self, call: Call, text: str, answer: Answer) -> CallResult | CallError:
        try:
            return call.create_call_result(await answer(call.action, call.payload, text))
        except Nonsense as error:
            return _error(call, FormatViolationError(description=str(error)[:255]))
        except NotServedError as error:
            return _error(call, error)


def check_payload(payload: object, action: str, version: str) -> None:
    """Refuse a payload that is not what the schema of a known action asks for: Nonsense."""
    validator = get_validator(MessageType.Call, action, version)
    for error in validator.iter_errors(payload):
        where = ".".join(map(str, error.absolute_path))
        raise Nonsense(f"{where or 'payload'}: {error.message[:200]}")


def not_served(action: str) -> OCPPError:
    """Return the error that a charge point is answered for what nobody here knows."""
    return NotServedError(description=f"{action[:50]} is not served")


def _error(call: Call, error: OCPPError) -> CallError:
    reply: CallError = call.create_call_error(error)
    return reply


def _unpacked(text: str) -> Call | CallResult | CallError | None:
    """Return a message; None when it is none, whatever it is."""
    try:
        message = unpack(text)
    except Exception:  # the edge to a peer that may send anything
        return None
    named = isinstance(message.unique_id, str) and len(message.unique_id) <= 64
    if isinstance(message, Call) and not isinstance(message.action, str):
        return None
    return message if named else None
