"""Page tokens as callers see them: opaque, short, and good for the list they came from only.

A use case has its own word for where a page ended; it goes out sealed and comes back opened, here,
for every list of every service.
"""

import base64
import binascii
import hashlib
from typing import Any

from wattmesh_kernel.errors import InvalidArgument

_CHECK_BYTES = 6
LONGEST_TOKEN = 1024


def open_token(method: str, request: Any) -> None:
    """Put the use case's own token into a request for a page; InvalidArgument for a foreign one."""
    token = getattr(request, "page_token", "")
    if not isinstance(token, str) or not token:
        return
    try:
        content = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        own = content[_CHECK_BYTES:].decode()
    except (ValueError, binascii.Error) as error:
        raise _foreign() from error
    if len(token) > LONGEST_TOKEN or content[:_CHECK_BYTES] != _check(method, request, own):
        raise _foreign()
    request.page_token = own


def seal_token(method: str, request: Any, response: Any) -> None:
    """Seal the token in a page's answer."""
    own = getattr(response, "next_page_token", "")
    if isinstance(own, str) and own:
        content = _check(method, request, own) + own.encode()
        response.next_page_token = base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _check(method: str, request: Any, own: str) -> bytes:
    listed = getattr(request, "parent", "")
    text = "\0".join((method, str(listed), own))
    return hashlib.blake2s(text.encode(), digest_size=_CHECK_BYTES).digest()


def _foreign() -> InvalidArgument:
    return InvalidArgument(
        "INVALID_PAGE_TOKEN", "not a page token of this list", field="page_token"
    )
