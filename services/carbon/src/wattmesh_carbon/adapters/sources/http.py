"""GET, and JSON out of it."""

import asyncio
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

from wattmesh_kernel.errors import Unavailable

_TIMEOUT_SECONDS = 20.0
_MOST_BYTES = 20_000_000


async def get_json(
    url: str, query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> Any:
    """Return what a URL answers. Error: Unavailable, without what was sent."""
    told = {"Accept": "application/json", **(headers or {})}
    answer = await asyncio.to_thread(_get, url, query or {}, told)
    try:
        return json.loads(answer)
    except ValueError as error:
        raise Unavailable("DEPENDENCY_UNAVAILABLE", f"{url} does not answer in JSON") from error


async def get_bytes(url: str, query: Mapping[str, str]) -> bytes:
    """Return what a URL answers. Error: Unavailable, without what was sent."""
    return await asyncio.to_thread(_get, url, query, {})


def _get(url: str, query: Mapping[str, str], headers: Mapping[str, str]) -> bytes:
    full = f"{url}?{urllib.parse.urlencode(query)}" if query else url
    request = urllib.request.Request(full, headers=dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
            answer: bytes = response.read(_MOST_BYTES)
    except urllib.error.HTTPError as error:
        raise Unavailable("DEPENDENCY_UNAVAILABLE", f"{url} answered {error.code}") from error
    except OSError as error:
        raise Unavailable("DEPENDENCY_UNAVAILABLE", f"{url} does not answer") from error
    return answer
