"""The way from what SiteService has to what a resource says: the code of `wattmesh site apply`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import Message

from wattmesh.site.v1 import asset_pb2, device_pb2
from wattmesh_sitemodel.site_file import changes
from wattmesh_sitemodel.site_file.document import SiteDocument, document_from_data
from wattmesh_sitemodel.site_file.registry import SiteRegistry
from wattmesh_siteoperator.app.ports import Way
from wattmesh_siteoperator.domain import outcome

_ACTIONS = {
    changes.Action.CREATE: outcome.Action.CREATED,
    changes.Action.UPDATE: outcome.Action.CHANGED,
    changes.Action.DELETE: outcome.Action.DELETED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistryStep:
    """One call of SiteService."""

    registry: SiteRegistry
    call: changes.Change

    @property
    def change(self) -> outcome.Change:
        """What it does."""
        return outcome.Change(action=_ACTIONS[self.call.action], name=self.call.name)

    async def take(self) -> None:
        """Make the call."""
        await self.registry.apply(self.call)


class RegisteredSites:
    """What SiteService has."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._registry = SiteRegistry(channel)

    async def way_to(self, wanted: Mapping[str, Any], *, prune: bool) -> Way:
        """Return the way to what a site's file says."""
        document = document_from_data(wanted)
        there = await self._there(document)
        said = dict(document.resources())
        further = [
            name
            for name, message in there.items()
            if name not in said and isinstance(message, asset_pb2.Asset | device_pb2.Device)
        ]
        counts = outcome.Counts(
            tariffs=len(document.tariffs),
            assets=len(document.assets),
            devices=len(document.devices),
        )
        return Way(
            site=document.site.name,
            counts=counts,
            steps=self._steps(changes.compare(document, there, prune=prune)),
            further=() if prune else tuple(sorted(further)),
        )

    async def way_out(self, site: str) -> Way:
        """Return the way to having no such site: first its devices, then its assets."""
        document = await self._registry.read(site)
        if document is None:
            return Way(site=site, counts=outcome.Counts())
        there = dict(document.resources())
        bare = SiteDocument(site=document.site, tariffs=document.tariffs)
        last = changes.Change(action=changes.Action.DELETE, name=site, message=document.site)
        gone = [*changes.compare(bare, there, prune=True), last]
        return Way(site=site, counts=outcome.Counts(), steps=self._steps(gone))

    def _steps(self, calls: list[changes.Change]) -> tuple[RegistryStep, ...]:
        return tuple(RegistryStep(registry=self._registry, call=each) for each in calls)

    async def _there(self, wanted: SiteDocument) -> dict[str, Message]:
        return await self._registry.there(wanted)
