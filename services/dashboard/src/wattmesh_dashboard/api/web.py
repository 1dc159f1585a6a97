"""What browsers ask for: the pages, calls to the services, and the live stream."""

import gzip
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from google.protobuf.message import DecodeError, Message
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from wattmesh.dashboard.v1 import dashboard_service_pb2 as pb
from wattmesh_dashboard.api import connect
from wattmesh_dashboard.api.live_messages import LiveMessages, look_from_request
from wattmesh_dashboard.api.pages import Pages
from wattmesh_dashboard.api.questions import Questions
from wattmesh_dashboard.api.sessions import Sessions
from wattmesh_dashboard.app.ports import Calls
from wattmesh_dashboard.domain.look import Look
from wattmesh_kernel.callers import Caller
from wattmesh_kernel.errors import InvalidArgument, WattmeshError
from wattmesh_runtime.access.callers import Callers, admitted
from wattmesh_runtime.errors import internal_error
from wattmesh_runtime.request_context import REQUEST_ID_KEY, enter_request

log = logging.getLogger(__name__)

WATCH_LIVE = "/wattmesh.dashboard.v1.DashboardService/WatchLive"
QUERY_PRICES = "/wattmesh.dashboard.v1.DashboardService/QueryPrices"
PREVIEW_CHANGE = "/wattmesh.dashboard.v1.DashboardService/PreviewChange"
_MOST_BODY_BYTES = 4 * 2**20
_WORTH_PACKING = 1400
"""What one packet carries needs no compressing; a list of a thousand sites is a fifth of it."""

M = TypeVar("M", bound=Message)
Handler = Callable[[Request], Awaitable[Response]]


class Web:
    """The door for browsers."""

    def __init__(
        self,
        calls: Calls,
        live: LiveMessages,
        asked: Questions,
        bundle: Path,
        sessions: Sessions,
        callers: Callers,
    ) -> None:
        self._callers = callers
        self._calls = calls
        self._sessions = sessions
        self._live = live
        self._asked = asked
        self._pages = Pages(bundle)

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route(WATCH_LIVE, _guarded(self._watch), methods=["POST"]),
                Route(QUERY_PRICES, _guarded(self._query_prices), methods=["POST"]),
                Route(PREVIEW_CHANGE, _guarded(self._preview_change), methods=["POST"]),
                Route("/{service}/{method}", _guarded(self._call), methods=["POST"]),
                Route("/{path:path}", self._page, methods=["GET"]),
            ]
        )

    async def _page(self, request: Request) -> Response:
        if self._pages.is_file(request):
            return await self._pages.serve(request)
        turned_away = self._sessions.turned_away(request)
        if turned_away is not None:
            return turned_away
        page = await self._pages.serve(request)
        self._sessions.welcome(request, page)
        return page

    async def _call(self, request: Request) -> Response:
        _require_type(request, connect.UNARY)
        metadata = self._sessions.shown_for(request)
        method = f"{request.path_params['service']}/{request.path_params['method']}"
        seconds = connect.deadline_seconds(request.headers.get("connect-timeout-ms"))
        request_id = enter_request(request.headers.get(REQUEST_ID_KEY))
        answer = await self._calls.call(method, await _body(request), metadata, seconds)
        headers = {REQUEST_ID_KEY: request_id, "cache-control": "no-store"}
        answer, packed = _packed(request, answer)
        return Response(answer, media_type=connect.UNARY, headers={**headers, **packed})

    async def _query_prices(self, request: Request) -> Response:
        _require_type(request, connect.UNARY)
        asked = _parsed(pb.QueryPricesRequest, await _body(request))
        self._admit(request, asked)
        return _answered(await self._asked.query_prices(asked))

    async def _preview_change(self, request: Request) -> Response:
        _require_type(request, connect.UNARY)
        asked = _parsed(pb.PreviewChangeRequest, await _body(request))
        self._admit(request, asked)
        return _answered(await self._asked.preview_change(asked))

    async def _watch(self, request: Request) -> Response:
        _require_type(request, connect.STREAM)
        asked = _parsed(pb.WatchLiveRequest, connect.first_message(await _body(request)))
        look = look_from_request(asked, self._admit(request, asked))
        return StreamingResponse(
            self._envelopes(look),
            media_type=connect.STREAM,
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    def _admit(self, request: Request, asked: Message) -> Caller | None:
        """Return who asks the dashboard itself; None: it is not known, and all see the same.

        Error: Unauthenticated, PermissionDenied.
        """
        shown = self._sessions.shown_for(request).get("authorization")
        return admitted(self._callers, shown, request.url.path, asked)

    async def _envelopes(self, look: Look) -> AsyncGenerator[bytes, None]:
        try:
            async with aclosing(self._live.watch(look)) as messages:
                async for message in messages:
                    yield connect.envelope(message)
        except WattmeshError as error:
            yield connect.end_of_stream(error)


def _guarded(handle: Handler) -> Handler:
    """Return a handler whose errors are Connect's, and which no other site's page can call."""

    async def guarded(request: Request) -> Response:
        if _asked_elsewhere(request):
            return PlainTextResponse("asked by a page of another origin\n", status_code=403)
        try:
            return await handle(request)
        except WattmeshError as error:
            return _refused(error)
        except Exception:
            request_id = enter_request(None)
            log.exception("%s failed, request %s", request.url.path, request_id)
            return _refused(internal_error(request_id))

    return guarded


def _packed(request: Request, answer: bytes) -> tuple[bytes, dict[str, str]]:
    """Return an answer as it travels, and the headers that say so: a long one is compressed."""
    if len(answer) < _WORTH_PACKING or "gzip" not in request.headers.get("accept-encoding", ""):
        return answer, {}
    return gzip.compress(answer, compresslevel=4), {"content-encoding": "gzip"}


def _answered(message: Message) -> Response:
    headers = {"cache-control": "no-store"}
    return Response(message.SerializeToString(), media_type=connect.UNARY, headers=headers)


def _refused(error: WattmeshError) -> Response:
    return JSONResponse(
        connect.error_to_json(error),
        status_code=connect.http_status(error),
        headers={"cache-control": "no-store"},
    )


def _asked_elsewhere(request: Request) -> bool:
    """Return whether a page of another origin has its reader's browser ask."""
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


def _require_type(request: Request, wanted: str) -> None:
    """Refuse another content type: a form of another site's page can send none of ours."""
    if request.headers.get("content-type") != wanted:
        raise InvalidArgument("MALFORMED_REQUEST", f"the content type is not {wanted}")


def _parsed(kind: type[M], content: bytes) -> M:
    """Return a request; InvalidArgument when the bytes are none."""
    try:
        return kind.FromString(content)
    except DecodeError as error:
        raise InvalidArgument("MALFORMED_REQUEST", f"not a {kind.__name__}") from error


async def _body(request: Request) -> bytes:
    """Return the body; InvalidArgument when it is longer than any question of a page."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BODY_BYTES:
            raise InvalidArgument("MALFORMED_REQUEST", f"more than {_MOST_BODY_BYTES} bytes")
    return bytes(body)
