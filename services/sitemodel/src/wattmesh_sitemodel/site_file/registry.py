"""What SiteService has of a site, and the calls that change it."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import grpc
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from wattmesh.site.v1 import site_pb2, site_service_pb2_grpc
from wattmesh.site.v1 import site_service_pb2 as pb
from wattmesh.type.v1 import tariff_pb2
from wattmesh_kernel.errors import NotFound
from wattmesh_runtime.errors import rpc_errors
from wattmesh_sitemodel.site_file.changes import Action, Change
from wattmesh_sitemodel.site_file.document import SiteDocument

_PAGE = 1000
_EVERY = FieldMask(paths=["*"])


def tariff_names(site: site_pb2.Site) -> list[str]:
    """Return the tariffs by which a site pays at one time or another, each once."""
    named = (site.tariff, *(each.tariff for each in site.tariff_assignments))
    return [each for each in dict.fromkeys(named) if each]


class SiteRegistry:
    """Reads and changes what is registered."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._sites: Any = site_service_pb2_grpc.SiteServiceStub(channel)

    async def read(self, site: str) -> SiteDocument | None:
        """Return a site with its tariffs; None: there is no such site."""
        with rpc_errors():
            found = await self._site(site)
            if found is None:
                return None
            return SiteDocument(
                site=found,
                tariffs=await self.tariffs(tariff_names(found)),
                assets=await self._all(self._sites.ListAssets, pb.ListAssetsRequest, site),
                devices=await self._all(self._sites.ListDevices, pb.ListDevicesRequest, site),
            )

    async def there(self, wanted: SiteDocument) -> dict[str, Message]:
        """Return what is registered of a file's site and of its tariffs, by name."""
        site = await self.read(wanted.site.name)
        found = {} if site is None else dict(site.resources())
        return {**found, **await self.tariffs(wanted.tariffs)}

    async def tariffs(self, names: Iterable[str]) -> dict[str, tariff_pb2.Tariff]:
        """Return those of the tariffs that are there, without their published prices."""
        found = {}
        for name in names:
            with suppress(NotFound), rpc_errors():
                answer = await self._sites.GetTariff(pb.GetTariffRequest(name=name))
                found[name] = answer.tariff
        return found

    async def apply(self, change: Change) -> None:
        """Create, change or delete one resource. Errors: as SiteService gives them."""
        kind = type(change.message).__name__
        field = kind.lower()
        with rpc_errors():
            match change.action:
                case Action.CREATE:
                    request = getattr(pb, f"Create{kind}Request")(**{field: change.message})
                    await getattr(self._sites, f"Create{kind}")(request)
                case Action.UPDATE:
                    message = type(change.message)()
                    message.CopyFrom(change.message)
                    message.etag = change.etag  # type: ignore[attr-defined]
                    request = getattr(pb, f"Update{kind}Request")(
                        **{field: message, "update_mask": _EVERY}
                    )
                    await getattr(self._sites, f"Update{kind}")(request)
                case Action.DELETE:
                    request = getattr(pb, f"Delete{kind}Request")(name=change.name)
                    await getattr(self._sites, f"Delete{kind}")(request)

    async def _site(self, name: str) -> site_pb2.Site | None:
        with suppress(NotFound), rpc_errors():
            site: site_pb2.Site = (await self._sites.GetSite(pb.GetSiteRequest(name=name))).site
            return site
        return None

    @staticmethod
    async def _all(
        call: Callable[[Any], Any], request: Callable[..., Message], parent: str
    ) -> dict[str, Any]:
        """Return everything of a kind that a site has, by name."""
        found, token = dict[str, Any](), ""
        while True:
            page = await call(request(parent=parent, page_size=_PAGE, page_token=token))
            for field, value in page.ListFields():
                if field.is_repeated:
                    found.update({each.name: each for each in value})
            token = page.next_page_token
            if not token:
                return found
