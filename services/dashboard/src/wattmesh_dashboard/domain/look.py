"""What a watcher looks at: it is told of that, and of nothing that no screen of its shows."""

from collections.abc import Collection
from dataclasses import dataclass

from wattmesh_kernel.ids import SiteId


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What is on somebody's screen.

    `site`: whose commands and events are told; None: of no site. `shown`: of which sites flows and
    plans are told, beside `site`; None: of every one. `together`: whether sums of all sites are.
    `within`: the sites of whoever looks, who hears nothing of others'; None: they see all.
    """

    site: SiteId | None = None
    shown: frozenset[SiteId] | None = None
    together: bool = False
    within: frozenset[SiteId] | None = None

    def shows(self, site: SiteId | None) -> bool:
        """Return whether flows and plans of a site are told; None stands for no site's own."""
        return self.shown is None or site is None or site == self.site or site in self.shown

    def reaches(self, sites: Collection[SiteId]) -> bool:
        """Return whether something about these sites, and no other, may be told.

        What is about no site is for those who see all.
        """
        return self.within is None or (bool(sites) and self.within.issuperset(sites))
