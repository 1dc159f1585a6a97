"""Lists of wattmesh.site.v1 ↔ pages and filters."""

from typing import Any

from wattmesh.site.v1 import site_service_pb2
from wattmesh_kernel.callers import Caller
from wattmesh_kernel.checks import require
from wattmesh_kernel.ids import GatewayId, GroupId
from wattmesh_metering.domain.paging import PageRequest
from wattmesh_metering.domain.selectors import parse_site_parent


def page_from_proto(request: Any) -> PageRequest:
    """Return the page that a list is asked for; InvalidArgument for a negative size."""
    return PageRequest(size=request.page_size, token=request.page_token)


def no_filter(parent: str) -> dict[str, str]:
    """Return no filter; InvalidArgument for a parent where there is none."""
    require(not parent, "INVALID_PARENT", "these have no parent", "parent")
    return {}


def group_filter(parent: str) -> dict[str, str]:
    """Return the filter for the sites of a group; an empty parent means all."""
    return {"group": GroupId.parse(parent).name} if parent else {}


def own_sites_filter(caller: Caller | None) -> dict[str, str]:
    """Return the filter for the sites that a caller sees."""
    if caller is None or caller.sites is None:
        return {}
    return {"sites": " ".join(sorted(caller.sites))}


def site_filter(parent: str) -> dict[str, str]:
    """Return the filter for what is of a site, none for `sites/-`."""
    site = parse_site_parent(parent)
    return {} if site is None else {"site": site.name}


def device_filters(request: site_service_pb2.ListDevicesRequest) -> dict[str, str]:
    """Return the filters for devices of a site and of a gateway."""
    filters = site_filter(request.parent)
    if request.gateway:
        filters["gateway"] = GatewayId.parse(request.gateway).name
    return filters
