"""Sites and their grid connections, from the site model."""

from collections.abc import Sequence

from wattmesh_demandresponse.app.ports import MeteredSite
from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.ids import GroupId, SiteId
from wattmesh_kernel.sites import GridConnectionRating, SiteModel
from wattmesh_sitemodel.view import SiteModelView


class ModelSites:
    """Reads the view."""

    def __init__(self, view: SiteModelView) -> None:
        self._view = view

    def of(self, subject: str) -> Sequence[MeteredSite]:
        """Return the sites of `sites/{site}` or `groups/{group}`.

        Error: NotFound, for a site without a grid connection too.
        """
        model = self._view.model
        if not subject.startswith("groups/"):
            return [_metered(model, SiteId.parse(subject, "subject"))]
        group = model.groups.get(GroupId.parse(subject, "subject"))
        if group is None or not group.sites:
            raise NotFound("GROUP_NOT_FOUND", f"there is no {subject}")
        return [_metered(model, each) for each in group.sites]


def _metered(model: SiteModel, site: SiteId) -> MeteredSite:
    known = model.sites.get(site)
    if known is None:
        raise NotFound("SITE_NOT_FOUND", f"there is no {site}")
    for asset in model.assets_of(site):
        if isinstance(asset.rating, GridConnectionRating):
            return MeteredSite(site=site, connection=asset.id, zone=known.zone)
    raise NotFound("SITE_NOT_FOUND", f"{site} has no grid connection")
