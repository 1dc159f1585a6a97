"""The VTN over HTTP: OpenADR 3.1.0, and 3.0.1 for clients that write targets the older way."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from wattmesh_demandresponse.api.openadr_tokens import LIFETIME, Tokens, scopes_of
from wattmesh_demandresponse.app.openadr_objects import KeepObjects
from wattmesh_demandresponse.app.openadr_vtn import Page, Vtn
from wattmesh_demandresponse.domain.openadr_clients import Client
from wattmesh_demandresponse.domain.subscriptions import OLDER_OPERATIONS
from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
    Unimplemented,
    WattmeshError,
)

_log = logging.getLogger(__name__)

VERSIONS = ("3.1.0", "3.0.1")
_LARGEST_BODY = 1_000_000
_STATUSES: Mapping[type[WattmeshError], int] = {
    InvalidArgument: 400,
    Unauthenticated: 401,
    PermissionDenied: 403,
    NotFound: 404,
    AlreadyExists: 409,
    FailedPrecondition: 409,
    Aborted: 409,
    ResourceExhausted: 429,
    Unimplemented: 501,
    Unavailable: 503,
}
_OBJECTS = {"vens": "VEN", "resources": "RESOURCE", "reports": "REPORT"}
_FILTERS = {"venName": "venName", "resourceName": "resourceName", "venID": "venID"} | {
    "eventID": "eventID",
    "clientName": "clientName",
    "programID": "programID",
}
_SUBSCRIPTIONS = {"subscriptions": "SUBSCRIPTION"}
_NOT_SERVED = ("subscriptions", "notifiers")

Handler: TypeAlias = Callable[[Request, Client], Awaitable[Any]]


class VtnWeb:
    """Routes: tell who calls, convert, call the use case, convert back."""

    def __init__(
        self, vtn: Vtn, objects: KeepObjects, tokens: Tokens, *, calls_back: bool = False
    ) -> None:
        self._objects_served = {**_OBJECTS, **(_SUBSCRIPTIONS if calls_back else {})}
        self._vtn = vtn
        self._objects = objects
        self._tokens = tokens

    def app(self, others: Sequence[BaseRoute] = ()) -> Starlette:
        """Return the application, with each version below a path of its own, and other routes."""
        versions = [Mount(f"/openadr3/{version}", routes=self._routes()) for version in VERSIONS]
        return Starlette(routes=[*versions, *others])

    def _routes(self) -> list[Route]:
        return [
            Route("/auth/server", self._auth_server),
            Route("/auth/token", self._open(self._token), methods=["POST"]),
            self._route("/programs", GET=self._programs, POST=_elsewhere),
            self._route("/programs/{id}", GET=self._program, PUT=_elsewhere, DELETE=_elsewhere),
            self._route("/events", GET=self._events, POST=self._call),
            self._route("/events/{id}", GET=self._event, PUT=self._change, DELETE=self._call_off),
            *(
                route
                for path, kind in self._objects_served.items()
                for route in self._of_objects(path, kind)
            ),
            *(
                self._route(f"/{path}{rest}", GET=_not_served, POST=_not_served)
                for path in _NOT_SERVED
                if path not in self._objects_served
                for rest in ("", "/{rest:path}")
            ),
        ]

    def _of_objects(self, path: str, kind: str) -> list[Route]:
        keep = self._objects

        async def create(request: Request, client: Client) -> Any:
            return (await keep.create(client, kind, await _body(request))).to_json(), 201

        async def listed(request: Request, client: Client) -> Any:
            page = _page(request)
            found = await keep.list(client, kind, _like(request), page.skip, page.limit)
            return [each.to_json() for each in found]

        async def get(request: Request, client: Client) -> Any:
            return (await keep.get(client, kind, request.path_params["id"])).to_json()

        async def change(request: Request, client: Client) -> Any:
            given = await _body(request)
            return (await keep.change(client, kind, request.path_params["id"], given)).to_json()

        async def delete(request: Request, client: Client) -> Any:
            return (await keep.delete(client, kind, request.path_params["id"])).to_json()

        return [
            self._route(f"/{path}", GET=listed, POST=create),
            self._route(f"/{path}/{{id}}", GET=get, PUT=change, DELETE=delete),
        ]

    def _route(self, path: str, **handlers: Handler) -> Route:
        async def handle(request: Request) -> Response:
            method = "GET" if request.method == "HEAD" else request.method

            async def answer() -> Any:
                client = self._tokens.whose(request.headers.get("authorization", ""))
                return await handlers[method](request, client)

            return await _answered(request, answer)

        return Route(path, handle, methods=list(handlers))

    def _open(self, handler: Callable[[Request], Awaitable[Any]]) -> Any:
        async def handle(request: Request) -> Response:
            return await _answered(request, lambda: handler(request))

        return handle

    async def _auth_server(self, request: Request) -> Response:
        base = str(request.url).rpartition("/")[0]
        return JSONResponse({"tokenURL": f"{base}/token"})

    async def _token(self, request: Request) -> Any:
        """RFC 6749, section 4.4: client credentials in the form of the body."""
        form = parse_qs((await bytes_of(request)).decode(errors="replace"))
        one = {name: values[0] for name, values in form.items()}
        require(
            one.get("grant_type") == "client_credentials",
            "UNKNOWN_VALUE",
            "the grant type is client_credentials",
            "grant_type",
        )
        token, client = self._tokens.give(one.get("client_id", ""), one.get("client_secret", ""))
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int(LIFETIME.total_seconds()),
            "scope": scopes_of(client),
        }

    async def _programs(self, request: Request, client: Client) -> Any:
        return await self._vtn.programs(_page(request))

    async def _program(self, request: Request, client: Client) -> Any:
        return await self._vtn.program(request.path_params["id"])

    async def _events(self, request: Request, client: Client) -> Any:
        return await self._vtn.events(client, _page(request))

    async def _event(self, request: Request, client: Client) -> Any:
        return await self._vtn.event(client, request.path_params["id"])

    async def _call(self, request: Request, client: Client) -> Any:
        return await self._vtn.call(client, await _body(request)), 201

    async def _change(self, request: Request, client: Client) -> Any:
        return await self._vtn.change(client, request.path_params["id"], await _body(request))

    async def _call_off(self, request: Request, client: Client) -> Any:
        return await self._vtn.call_off(client, request.path_params["id"])


async def _elsewhere(request: Request, client: Client) -> Any:
    raise Unimplemented(
        "METHOD_NOT_SERVED", "programmes are kept through DemandResponseService: they have rules"
    )


async def _not_served(request: Request, client: Client) -> Any:
    raise Unimplemented("METHOD_NOT_SERVED", "this server calls nobody back that way: ask it")


async def _answered(request: Request, answer: Callable[[], Awaitable[Any]]) -> Response:
    try:
        found = await answer()
    except WattmeshError as error:
        status = _STATUSES.get(type(error), 500)
        return _problem(status, error.reason, error.message if status < 500 else "try again later")
    except Exception:  # the edge: a fault of ours is told without its words
        _log.exception("%s %s failed", request.method, request.url.path)
        return _problem(500, "INTERNAL", "a fault of the server; its log knows more")
    content, status = found if isinstance(found, tuple) else (found, 200)
    older = f"/{VERSIONS[1]}/" in request.url.path
    return JSONResponse(_as_read(content, older=older), status_code=status)


def _problem(status: int, reason: str, detail: str) -> Response:
    body = {"type": "about:blank", "title": reason, "status": status, "detail": detail}
    headers = {"www-authenticate": "Bearer"} if status == 401 else {}
    return JSONResponse(
        body, status_code=status, headers=headers, media_type="application/problem+json"
    )


def _as_read(content: Any, *, older: bool) -> Any:
    """Return documents in the words of 3.1, or of 3.0: targets with their type, HTTP's methods."""
    if isinstance(content, list):
        return [_as_read(each, older=older) for each in content]
    match content:
        case {"objectType": "EVENT", "targets": [*names]} if older and names:
            return {**content, "targets": [{"type": "VEN_NAME", "values": names}]}
        case {"objectType": "SUBSCRIPTION", "objectOperations": [*operations]}:
            shown = [{**each, "operations": _words(each, older=older)} for each in operations]
            return {**content, "objectOperations": shown}
    return content


def _words(operation: Mapping[str, Any], *, older: bool) -> list[str]:
    """Return the operations of a subscription."""
    words = {new: old for old, new in OLDER_OPERATIONS.items()} if older else OLDER_OPERATIONS
    return [words.get(each, each) for each in operation["operations"]]


def _page(request: Request) -> Page:
    query = request.query_params
    return Page(
        skip=_count(query.get("skip", "0"), "skip", 1_000_000),
        limit=_count(query.get("limit", "50"), "limit", 50),
        program_id=query.get("programID", ""),
        targets=tuple(
            each
            for name in ("targets", "targetValues")
            for value in query.getlist(name)
            for each in value.split(",")
            if each
        ),
    )


def _count(text: str, field: str, most: int) -> int:
    known = text.isdecimal() and len(text) < 9
    require(known and int(text) <= most, "INVALID_VALUE", f"{field} is 0 to {most}", field)
    return int(text)


def _like(request: Request) -> dict[str, str]:
    query = request.query_params
    named = {member: query[name] for name, member in _FILTERS.items() if query.get(name)}
    if query.get("targetType") in ("VEN_NAME", "RESOURCE_NAME") and query.get("targetValues"):
        member = "venName" if query["targetType"] == "VEN_NAME" else "resourceName"
        named[member] = query["targetValues"]
    return named


async def _body(request: Request) -> dict[str, Any]:
    try:
        found = json.loads(await bytes_of(request), parse_constant=_not_json)
        json.dumps(found, ensure_ascii=False).encode()  # half a character is none
    except (ValueError, RecursionError) as error:
        raise InvalidArgument("MALFORMED_REQUEST", "the body is no JSON") from error
    if not isinstance(found, dict):
        raise InvalidArgument("MALFORMED_REQUEST", "the body is no object")
    return found


def _not_json(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


async def bytes_of(request: Request) -> bytes:
    """Return the body, of at most a megabyte. Error: InvalidArgument."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_BODY:
            raise InvalidArgument("MALFORMED_REQUEST", "the body has more than a megabyte")
    return bytes(body)
