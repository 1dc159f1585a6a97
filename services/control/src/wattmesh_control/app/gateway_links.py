"""The lines to gateways as anybody may see them, whichever process holds them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wattmesh_control.app.links import GatewayLink
from wattmesh_control.domain.clock_skew import ClockSkew
from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.ids import GatewayId

MOST_A_PAGE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayLinkState:
    """Whether a gateway is connected, since when, and how its clock compared last.

    `epoch`: of the lease under which its stream is, or was, held.
    """

    gateway: GatewayId
    connected: bool
    change_time: datetime
    epoch: int = 0
    clock_skew: ClockSkew | None = None

    @classmethod
    def of(
        cls, link: GatewayLink, *, connected: bool, skew: ClockSkew | None
    ) -> "GatewayLinkState":
        """Return the state of a stream that this process holds, or held."""
        assert link.held is not None, "a stream that counts"
        assert link.change_time is not None, "a stream that counts"
        return cls(
            gateway=link.gateway,
            connected=connected,
            change_time=link.change_time,
            epoch=link.held.epoch,
            clock_skew=skew,
        )


class LinkStates(Protocol):
    """Keeps the states of the lines."""

    async def put(self, state: GatewayLinkState) -> None:
        """Keep a state, unless one of a later lease is there. Error: Unavailable."""

    async def get(self, gateway: GatewayId) -> GatewayLinkState | None:
        """Return the state of one; not connected when its lease has ended since."""

    async def connected(self, gateways: Collection[GatewayId]) -> frozenset[GatewayId]:
        """Return which of these are connected."""

    async def page(self, after: str, size: int) -> list[GatewayLinkState]:
        """Return at most `size` states, by name, of gateways named after `after`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkPage:
    """Lines by name, and the token of the next page; empty after the last."""

    links: list[GatewayLinkState]
    next_page_token: str


class ReadLinks:
    """Gets and lists the lines."""

    def __init__(self, states: LinkStates) -> None:
        self._states = states

    async def get(self, gateway: GatewayId) -> GatewayLinkState:
        """Return one. Error: NotFound."""
        found = await self._states.get(gateway)
        if found is None:
            raise NotFound("GATEWAY_LINK_NOT_FOUND", f"{gateway} never dialled in")
        return found

    async def page(self, page_size: int, page_token: str) -> LinkPage:
        """Return a page of them."""
        size = min(page_size, MOST_A_PAGE) or MOST_A_PAGE
        links = await self._states.page(page_token, size + 1)
        token = links[size - 1].gateway.name if len(links) > size else ""
        return LinkPage(links=links[:size], next_page_token=token)
