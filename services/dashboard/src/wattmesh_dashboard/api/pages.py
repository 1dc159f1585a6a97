"""The built pages: served from memory, compressed when they were built."""

import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

_KEPT_FOR_GOOD = "public, max-age=31536000, immutable"
_ASKED_AGAIN = "no-cache"
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self'"
        " data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "vary": "accept-encoding",
}
_MISSING = "The pages are not built: `make setup` builds them.\n"


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    zipped: bytes | None
    media_type: str


class Pages:
    """The files of the bundle; every path that is none of them is the page itself."""

    def __init__(self, folder: Path) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): _read(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix != ".gz"
        }

    def is_file(self, request: Request) -> bool:
        """Whether a file of the bundle is asked for, not the page: those are no secret."""
        path = request.path_params["path"]
        return path.startswith("assets/") or (path in self._files and path != "index.html")

    async def serve(self, request: Request) -> Response:
        """Return a file of the bundle, or the page, which looks at the path itself."""
        path = request.path_params["path"]
        asset = path.startswith("assets/")
        name = path if path in self._files else "index.html"
        if asset and name != path:
            return PlainTextResponse("not found\n", status_code=404, headers=_HEADERS)
        if name not in self._files:
            return PlainTextResponse(_MISSING, status_code=503, headers=_HEADERS)
        file = self._files[name]
        headers = {**_HEADERS, "cache-control": _KEPT_FOR_GOOD if asset else _ASKED_AGAIN}
        if file.zipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            return Response(file.zipped, media_type=file.media_type, headers=headers)
        return Response(file.content, media_type=file.media_type, headers=headers)


def _read(path: Path) -> _File:
    zipped = path.with_name(f"{path.name}.gz")
    return _File(
        path.read_bytes(),
        zipped.read_bytes() if zipped.exists() else None,
        mimetypes.guess_type(path.name)[0] or "application/octet-stream",
    )
