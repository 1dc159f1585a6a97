"""The catalogue of what points can measure."""

from wattmesh_kernel.quantities import QUANTITIES, Quantity
from wattmesh_metering.domain.paging import Page, PageRequest, next_token

_LISTED = "quantities"


def list_quantities(page: PageRequest) -> Page[Quantity]:
    """Return a page of all quantities by id."""
    after = page.after(_LISTED)
    rest = [QUANTITIES[each] for each in sorted(QUANTITIES) if each > after]
    items = tuple(rest[: page.limit])
    more = len(rest) > page.limit
    return Page(items=items, next_token=next_token(_LISTED, items[-1].id) if more else "")
