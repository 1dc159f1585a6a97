"""What a watcher looks at: it is told of that, and of nothing that no screen of its shows."""

from dataclasses import dataclass

from wattmesh_kernel.ids import SiteId


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What is on somebody's screen.

    `site`: whose commands and events are told; None: of no site. `shown`: of which sites flows and
    plans are told, beside `site`; None: of every one. `together`: whether sums of all sites are.
    """

    site: SiteId | None = None
    shown: frozenset[SiteId] | None = None
    together: bool = False

    def shows(self, site: SiteId | None) -> bool:
        """Return whether flows and plans of a site are told; None stands for no site's own."""
        return self.shown is None or site is None or site == self.site or site in self.shown
