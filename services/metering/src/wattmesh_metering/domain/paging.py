"""Pages of a list, in the order of names."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import InvalidArgument

MAX_PAGE_SIZE = 1000
"""Most items of a page, and how many there are when nobody says."""

LARGEST_PART_BYTES = 4 * 2**20
"""Most bytes of what goes out in one message, unless one item alone has more."""

V = TypeVar("V")


@dataclass(frozen=True, kw_only=True, slots=True)
class PageRequest:
    """A page as asked for; its token is opaque and only good for the list it came from."""

    size: int = 0
    token: str = ""

    def __post_init__(self) -> None:
        require(self.size >= 0, "INVALID_PAGE_SIZE", "page_size is not negative", "page_size")

    @property
    def limit(self) -> int:
        """Most items of the answer."""
        return min(self.size or MAX_PAGE_SIZE, MAX_PAGE_SIZE)

    def after(self, listed: str) -> str:
        """Return the last name of the page before, empty for the first page.

        Parameters: `listed` says which list is asked for, with its filters. Error: InvalidArgument
        when the token is not one of that list.
        """
        if not self.token:
            return ""
        try:
            text = base64.urlsafe_b64decode(self.token.encode()).decode()
            token_of, last = json.loads(text)
        except (ValueError, TypeError, binascii.Error) as error:
            raise _invalid_token() from error
        if token_of != listed or not isinstance(last, str):
            raise _invalid_token()
        return last


@dataclass(frozen=True, kw_only=True, slots=True)
class Page(Generic[V]):
    """Some items of a list; an empty token says that these were the last."""

    items: tuple[V, ...]
    next_token: str = ""


def parts(items: Iterable[V], most: int, size: Callable[[V], int]) -> Iterator[list[V]]:
    """Give items in their order, at most so many and so many bytes together, and never none.

    Parameters: `size` says how many bytes an item has.
    """
    part: list[V] = []
    filled = 0
    for item in items:
        filled += size(item)
        if part and (len(part) >= most or filled > LARGEST_PART_BYTES):
            yield part
            part, filled = [], size(item)
        part.append(item)
    if part:
        yield part


def next_token(listed: str, last_name: str) -> str:
    """Return the token of the page that follows `last_name`."""
    return base64.urlsafe_b64encode(json.dumps([listed, last_name]).encode()).decode()


def _invalid_token() -> InvalidArgument:
    return InvalidArgument(
        "INVALID_PAGE_TOKEN", "not a page token of this list", field="page_token"
    )
