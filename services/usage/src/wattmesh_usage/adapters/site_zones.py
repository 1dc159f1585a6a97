"""Time zones of sites, from the site model."""

from zoneinfo import ZoneInfo

from wattmesh_kernel.ids import SiteId
from wattmesh_sitemodel.view import SiteModelView

_UTC = ZoneInfo("UTC")


class SiteZones:
    """Reads the view."""

    def __init__(self, view: SiteModelView) -> None:
        self._view = view

    def zone(self, site: SiteId) -> ZoneInfo:
        """Return the time zone of a site; UTC where it is not known."""
        known = self._view.model.sites.get(site)
        return _UTC if known is None else known.zone
