"""What publishers answer over HTTP."""

from collections.abc import Mapping
from typing import Any

from wattmesh_runtime.web_client import WebClient


async def get_json(
    url: str, query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> Any:
    """Return the JSON that a URL answers. Error: Unavailable, without what was sent."""
    told = {"Accept": "application/json", **(headers or {})}
    return (await WebClient(url).ask(url, query=query, headers=told)).json()


async def get_bytes(url: str, query: Mapping[str, str]) -> bytes:
    """Return what a URL answers. Error: Unavailable, without what was sent."""
    return (await WebClient(url).ask(url, query=query)).whole()
