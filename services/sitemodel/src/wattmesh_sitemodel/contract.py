"""What a site pays by, of tariffs that are read one by one."""

from collections.abc import Awaitable, Callable

from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.sites import Site
from wattmesh_kernel.tariff import Tariff


async def read_contract(site: Site, read: Callable[[TariffId], Awaitable[Tariff]]) -> Tariff | None:
    """Return what a site pays by, as one tariff that changes; None: it never pays by any.

    Errors: those of `read`; InvalidArgument for tariffs of several currencies.
    """
    found = {each: await read(each) for each in site.tariffs}
    return site.contract(found)
