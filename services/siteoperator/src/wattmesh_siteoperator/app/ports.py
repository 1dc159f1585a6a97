"""What the operator needs from outside."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from wattmesh_siteoperator.domain.outcome import Change, Counts


class Step(Protocol):
    """One call that leads from what is registered to what is wanted."""

    @property
    def change(self) -> Change:
        """What it does."""

    async def take(self) -> None:
        """Do it. Errors: as SiteService gives them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """All the steps to what a resource says, and what the site has besides."""

    site: str
    counts: Counts
    steps: tuple[Step, ...] = ()
    further: tuple[str, ...] = ()


class Sites(Protocol):
    """What is registered."""

    async def way_to(self, wanted: Mapping[str, Any], *, prune: bool) -> Way:
        """Return the way to what a site's file says; `prune`: what it does not say is deleted.

        Error: InvalidArgument for what makes no sense, and as SiteService gives them.
        """

    async def way_out(self, site: str) -> Way:
        """Return the way to having no such site."""
