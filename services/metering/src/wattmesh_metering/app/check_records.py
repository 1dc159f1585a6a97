"""Whether a resource fits in among the others."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.sites import Asset, Device, Resource, Site, SiteGroup
from wattmesh_kernel.tariff import Tariff
from wattmesh_metering.app.ports import RecordChange
from wattmesh_metering.domain import rules
from wattmesh_metering.domain.records import Record, RecordKind, needs

R = TypeVar("R", Site, Asset, Device, SiteGroup)

_REASONS = {
    "tariffs": "TARIFF_NOT_FOUND",
    "assets": "ASSET_NOT_FOUND",
    "sites": "SITE_NOT_FOUND",
}


async def check(change: RecordChange, resource: Resource, now: datetime) -> None:
    """Refuse a resource that refers to nothing or contradicts another.

    Errors: NotFound naming what is not there; FailedPrecondition as `domain.rules` says.
    """
    await _check_references(change, needs(resource, now))
    match resource:
        case Site():
            await _check_site(change, resource)
        case Asset():
            await _check_asset(change, resource)
        case Device():
            assets = {function.asset.name for function in resource.functions}
            others = await change.referring(assets, RecordKind.DEVICE)
            rules.check_functions(resource, _resources(Device, others))
        case SiteGroup():
            names = {site.name for site in resource.sites}
            others = await change.referring(names, RecordKind.GROUP)
            rules.check_group(resource, _resources(SiteGroup, others))
        case _:
            pass


async def _check_references(change: RecordChange, names: frozenset[str]) -> None:
    for name in sorted(names - await change.present(names)):
        raise NotFound(_REASONS[name.split("/")[-2]], f"there is no {name}")


async def _check_site(change: RecordChange, site: Site) -> None:
    assets = await change.referring({site.name}, RecordKind.ASSET)
    rules.check_nodes_kept(site, _resources(Asset, assets))
    for each in site.tariff_assignments:
        record = await change.find(each.tariff.name)
        if record is not None and isinstance(record.resource, Tariff):
            rules.check_currency(site, record.resource)


async def _check_asset(change: RecordChange, asset: Asset) -> None:
    if asset.node_id and (record := await change.find(asset.site.name)) is not None:
        for site in _resources(Site, [record]):
            rules.check_node(asset, site)
    if rules.is_single(asset):
        others = await change.referring({asset.site.name}, RecordKind.ASSET)
        rules.check_single(asset, _resources(Asset, others))


def _resources(kind: type[R], records: Iterable[Record]) -> list[R]:
    return [each.resource for each in records if isinstance(each.resource, kind)]
