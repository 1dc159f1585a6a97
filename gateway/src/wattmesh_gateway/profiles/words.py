"""The words of a charger for what goes on at its plug, as profiles write them."""

from collections.abc import Mapping

from wattmesh_gateway.domain.session import SessionState
from wattmesh_gateway.domain.stay import NOBODY
from wattmesh_gateway.profiles.node import Node

Words = Mapping[str, SessionState]
"""By what the charger says, as text."""

_FREE = "free"
_KNOWN = {_FREE: NOBODY} | {each.value: each for each in SessionState if each is not NOBODY}


def parse_words(node: Node) -> Words:
    """Read `{2: free, 7: charging}`."""
    return {said: _meaning(each) for said, each in node.entries().items()}


def _meaning(node: Node) -> SessionState:
    found = _KNOWN.get(node.text())
    if found is None:
        raise node.error(f"{node.text()!r} is none of {', '.join(_KNOWN)}")
    return found


def together(said: list[SessionState | None]) -> SessionState | None:
    """Return what several words come to: free if one says so, else the last that says more.

    That a cable is plugged in (`waiting`) says less than what goes on. None: nothing is said.
    """
    known = [each for each in said if each is not None]
    if not known or NOBODY in known:
        return NOBODY if known else None
    more = [each for each in known if each is not SessionState.WAITING]
    return more[-1] if more else SessionState.WAITING
