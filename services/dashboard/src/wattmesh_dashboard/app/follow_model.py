"""Tells watchers of changes of the site model."""

from wattmesh_dashboard.app.live import LivePicture
from wattmesh_sitemodel.view import SiteModelView


class FollowModel:
    """For ever: each change of the model is told."""

    def __init__(self, view: SiteModelView, picture: LivePicture) -> None:
        self._view = view
        self._picture = picture

    async def run(self) -> None:
        """Follow for ever."""
        async for _ in self._view.updates():
            self._picture.tell_model()
