"""Whose browser asks: on one's own machine a session, elsewhere what the browser shows itself."""

import json
import secrets
from pathlib import Path
from typing import Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from wattmesh_kernel.errors import Unauthenticated
from wattmesh_runtime.access.files import Reloaded

PARAMETER = "session"
"""Of the address that the command prints."""
_KEPT_SECONDS = 30 * 86_400
_WORDS = (
    "This browser has no session here. Open the address that `wattmesh up` prints, or"
    " `wattmesh status`: it has the session in it."
)
_PAGE = f"<!doctype html><meta charset=utf-8><title>Wattmesh</title><p>{_WORDS}</p>\n"
_HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


class Sessions(Protocol):
    """Decides about a browser."""

    def shown_for(self, request: Request) -> dict[str, str]:
        """Return what is shown to services for a browser. Error: Unauthenticated."""

    def turned_away(self, request: Request) -> Response | None:
        """Return what a browser gets that may not see the page; None: it may."""

    def welcome(self, request: Request, page: Response) -> None:
        """Let a browser keep what it came with."""


class PassedOn:
    """What a browser shows goes on to the services, which know what to make of it."""

    def shown_for(self, request: Request) -> dict[str, str]:
        """Return its own authorization, if it has one."""
        shown = request.headers.get("authorization")
        return {} if shown is None else {"authorization": shown}

    def turned_away(self, request: Request) -> Response | None:
        """Let everybody in: there is nothing in the page itself."""
        return None

    def welcome(self, request: Request, page: Response) -> None:
        """Give nothing."""


class LocalSession:
    """One session, in the address that is opened first and in a cookie from then on.

    A cookie counts for all ports of a host: its name says ours, so that two meshes do not take each
    other's away. Only pages of ours send it (`SameSite`), and no script reads it.
    """

    def __init__(self, file: Path) -> None:
        self._held = Reloaded((file,), lambda: _read(file))

    def shown_for(self, request: Request) -> dict[str, str]:
        """Return the key that the session stands for. Error: Unauthenticated."""
        session, key = self._held.current()
        if not _same(request.cookies.get(_cookie(request)), session):
            raise Unauthenticated("CALLER_UNKNOWN", _WORDS)
        return {"authorization": f"Bearer {key}"}

    def turned_away(self, request: Request) -> Response | None:
        """Return a page that says what to do to whoever has no session."""
        session, _ = self._held.current()
        shown = (request.query_params.get(PARAMETER), request.cookies.get(_cookie(request)))
        if any(_same(each, session) for each in shown):
            return None
        return HTMLResponse(_PAGE, status_code=401, headers=_HEADERS)

    def welcome(self, request: Request, page: Response) -> None:
        """Let it keep the session of the address."""
        session, _ = self._held.current()
        if _same(request.query_params.get(PARAMETER), session):
            page.set_cookie(
                _cookie(request), session, max_age=_KEPT_SECONDS, httponly=True, samesite="lax"
            )


def sessions_of(file: Path | None) -> Sessions:
    """Return the sessions of a file; without one, browsers speak for themselves."""
    return PassedOn() if file is None else LocalSession(file)


def _cookie(request: Request) -> str:
    return f"wattmesh-{request.url.port or 80}"


def _same(shown: str | None, session: str) -> bool:
    return shown is not None and secrets.compare_digest(shown.encode(), session.encode())


def _read(file: Path) -> tuple[str, str]:
    document = json.loads(file.read_text())
    return str(document["session"]), str(document["api_key"])
