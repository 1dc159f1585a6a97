"""What happens around every served call: request id, trace, duration, errors as statuses."""

import asyncio
import inspect
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeAlias

import grpc
from opentelemetry import context as trace_context
from opentelemetry import trace

from wattmesh_kernel.errors import Unavailable, Unimplemented, WattmeshError
from wattmesh_runtime.access.guard import Guard
from wattmesh_runtime.admission import Admission
from wattmesh_runtime.bounds import check_request, decode, refuse_malformed
from wattmesh_runtime.errors import LONGEST_MESSAGE, code_of, internal_error, trailers_from_error
from wattmesh_runtime.logs import shortened
from wattmesh_runtime.metrics import SERVER_CALL_DURATION
from wattmesh_runtime.page_tokens import open_token, seal_token
from wattmesh_runtime.request_context import (
    REQUEST_ID_KEY,
    current_caller,
    enter_caller,
    enter_request,
)
from wattmesh_runtime.streams import OpenStreams
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.tracing import PROPAGATOR

log = logging.getLogger(__name__)

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = Any  # grpc.RpcMethodHandler, generic in its stubs only
Behaviour: TypeAlias = Callable[[Any, Context], Any]

_CODES = {code.value[0]: code for code in grpc.StatusCode}
LONGEST_REASON = 400
"""Bytes of an error's text in the log line of its call."""
_STOPPING = Unavailable("SERVER_STOPPING", "the server is stopping")
_NOT_SERVED = Unimplemented("METHOD_NOT_SERVED", "this method is not served yet")
_DEPENDENCY_AWAY = Unavailable("DEPENDENCY_UNAVAILABLE", "a service that is needed is away")
_AWAY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
_LOG_LEVELS = {
    grpc.StatusCode.INTERNAL: logging.ERROR,
    grpc.StatusCode.UNKNOWN: logging.ERROR,
    grpc.StatusCode.UNAVAILABLE: logging.WARNING,
    grpc.StatusCode.DEADLINE_EXCEEDED: logging.WARNING,
    grpc.StatusCode.RESOURCE_EXHAUSTED: logging.WARNING,
}


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps the handlers of all four kinds; handlers are coroutines or async generators."""

    def __init__(
        self, telemetry: Telemetry, streams: OpenStreams, admission: Admission, guard: Guard
    ) -> None:
        self._guard = guard
        self._telemetry = telemetry
        self._streams = streams
        self._admission = admission
        self._duration = telemetry.histogram(SERVER_CALL_DURATION)
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Return the method's handler in its wrapping; None when nobody serves the method."""
        method = str(handler_call_details.method)
        if method not in self._wrapped:
            handler = await continuation(handler_call_details)
            if handler is None:
                return None
            self._wrapped[method] = self._wrap(method, handler)
        return self._wrapped[method]

    def call(self, method: str, context: Context) -> "ServedCall":
        """Return the scope in which one call of `method` is served."""
        return ServedCall(
            method, context, self._telemetry, self._duration, self._streams, self._guard
        )

    def _wrap(self, method: str, handler: Handler) -> Handler:
        codec: dict[str, Any] = {
            "request_deserializer": partial(decode, handler.request_deserializer),
            "response_serializer": handler.response_serializer,
        }
        match handler.request_streaming, handler.response_streaming:
            case False, False:
                unary = self._unary(method, handler.unary_unary)
                return grpc.unary_unary_rpc_method_handler(unary, **codec)
            case True, False:
                unary = self._unary(method, handler.stream_unary)
                return grpc.stream_unary_rpc_method_handler(unary, **codec)
            case False, True:
                stream = self._stream(method, handler.unary_stream)
                return grpc.unary_stream_rpc_method_handler(stream, **codec)
            case _:
                stream = self._stream(method, handler.stream_stream)
                return grpc.stream_stream_rpc_method_handler(stream, **codec)

    @asynccontextmanager
    async def _served(
        self, method: str, context: Context, request: Any, *, stream: bool
    ) -> AsyncIterator[None]:
        """Everything around one call: its scope, and its place among the others."""
        async with self.call(method, context) as call:
            self._guard.admit(method, context, call.metadata)
            refuse_malformed(request)
            async with self._admission.place(method, current_caller(), stream=stream):
                yield

    def _unary(self, method: str, behaviour: Behaviour) -> Behaviour:
        async def serve(request: Any, context: Context) -> Any:
            async with self._served(method, context, request, stream=False):
                sound = self._checked(method, request)
                open_token(method, sound)
                response = self._guard.release(method, await behaviour(sound, context))
                seal_token(method, sound, response)
                return response

        return serve

    def _stream(self, method: str, behaviour: Behaviour) -> Behaviour:
        # A coroutine that writes, not a generator: a generator whose call is cancelled while
        # it is suspended would only be closed when it is collected.
        async def serve(request: Any, context: Context) -> None:
            async with self._served(method, context, request, stream=True):
                with self._streams.held():
                    checked = self._checked(method, request)
                    async with aclosing(behaviour(checked, context)) as responses:
                        async for response in responses:
                            await context.write(self._guard.release(method, response))

        async def serve_writer(request: Any, context: Context) -> None:
            async with self._served(method, context, request, stream=True):
                with self._streams.held():
                    await behaviour(self._checked(method, request), context)

        return serve if inspect.isasyncgenfunction(behaviour) else serve_writer

    def _checked(self, method: str, request: Any) -> Any:
        """Return a request that keeps to bounds and identity, or the stream of those that do."""
        if hasattr(request, "__aiter__"):
            return self._checked_each(method, request)
        check_request(request)
        self._guard.check(method, request)
        return request

    async def _checked_each(self, method: str, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for request in requests:
            check_request(request)
            self._guard.check(method, request)
            yield request


class ServedCall:
    """One call: enters its request and trace, and turns what is raised into a status.

    Request id and trace context are left in place at the end: they end with the call's task.
    """

    def __init__(
        self,
        method: str,
        context: Context,
        telemetry: Telemetry,
        duration: Any,
        streams: OpenStreams,
        guard: Guard,
    ) -> None:
        self._guard = guard
        self._method = method
        self._context = context
        self._duration = duration
        self._streams = streams
        self._telemetry = telemetry

    async def __aenter__(self) -> Self:
        self._started = time.perf_counter()
        metadata = {str(key): value for key, value in self._context.invocation_metadata() or ()}
        self.metadata = metadata
        self._request_id = enter_request(metadata.get(REQUEST_ID_KEY))
        enter_caller(self._context.peer())
        caller = PROPAGATOR.extract(metadata)
        self._span = self._telemetry.tracer.start_span(
            self._method.lstrip("/"), caller, trace.SpanKind.SERVER, {"rpc.system.name": "grpc"}
        )
        trace_context.attach(trace.set_span_in_context(self._span, caller))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, asyncio.CancelledError) and self._streams.ending:
            error = _STOPPING
        answer = self._answer(error)
        code = code_of(answer) if answer else self._code_of(error)
        self._record(code, error)
        self._guard.record(self._method, code.name, self._request_id)
        if answer is not None:
            trailers = (*trailers_from_error(answer), (REQUEST_ID_KEY, self._request_id))
            await self._context.abort(code, answer.message[:LONGEST_MESSAGE], trailers)

    def _answer(self, error: BaseException | None) -> WattmeshError | None:
        """Return what the caller is told; None where gRPC itself answers."""
        match error:
            case WattmeshError():
                return error
            case grpc.aio.AioRpcError() if error.code() in _AWAY:
                return _DEPENDENCY_AWAY
            case NotImplementedError():  # what generated code does for a method that is not there
                return _NOT_SERVED
            case grpc.aio.BaseError():  # aborted by the handler, or the caller has hung up
                return None
            case Exception():
                return internal_error(self._trace_id())
            case _:
                return None

    def _code_of(self, error: BaseException | None) -> grpc.StatusCode:
        if isinstance(error, asyncio.CancelledError):
            return grpc.StatusCode.CANCELLED
        code: Any = self._context.code()  # an int, unlike its annotation
        return _CODES.get(code, grpc.StatusCode.OK)

    def _record(self, code: grpc.StatusCode, error: BaseException | None) -> None:
        seconds = time.perf_counter() - self._started
        attributes = {"rpc.method": self._method[1:], "rpc.response.status_code": code.name}
        self._duration.record(seconds, attributes)
        self._span.set_attributes(attributes)
        if code is not grpc.StatusCode.OK:
            self._span.set_status(trace.StatusCode.ERROR, code.name)
            self._log(code, error, seconds)
        self._span.end()

    def _log(self, code: grpc.StatusCode, error: BaseException | None, seconds: float) -> None:
        if code is grpc.StatusCode.CANCELLED or error is _STOPPING:
            return  # the caller gave up, or we are stopping
        unknown = isinstance(error, Exception) and not isinstance(error, WattmeshError)
        log.log(
            _LOG_LEVELS.get(code, logging.INFO),
            "%s failed with %s after %.3f s (request %s, trace %s): %s",
            *(self._method[1:], code.name, seconds, self._request_id, self._trace_id()),
            shortened(str(error), LONGEST_REASON),
            exc_info=error if unknown and code is grpc.StatusCode.INTERNAL else None,
        )

    def _trace_id(self) -> str:
        """Return the trace's id; without tracing the request's, which is as good for a search."""
        identity = self._span.get_span_context()
        return trace.format_trace_id(identity.trace_id) if identity.is_valid else self._request_id
