"""Create, get, list and update: the same for sites, assets, devices, groups and tariffs."""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar, assert_never

from wattmesh_kernel.errors import AlreadyExists, InvalidArgument, NotFound
from wattmesh_metering.app.ports import Catalog, Created, NameTaken, Repeated, RequestIdTaken
from wattmesh_metering.domain.paging import Page, PageRequest, next_token

V = TypeVar("V")


class KeepCatalog(Generic[V]):
    """The use cases of one kind of resource.

    Parameters: `kind` names it in error reasons ("SITE"), `name_of` gives a resource's name.
    """

    def __init__(self, kind: str, catalog: Catalog[V], name_of: Callable[[V], str]) -> None:
        self._kind = kind
        self._catalog = catalog
        self._name_of = name_of

    async def create(self, value: V, request_id: str) -> V:
        """Create a resource; a repeat of the request returns the first answer.

        Errors: AlreadyExists when the name is taken by another request; InvalidArgument when the
        request id was used for something else.
        """
        match await self._catalog.create(value, request_id):
            case Created() | Repeated():
                return value
            case NameTaken():
                name = self._name_of(value)
                raise AlreadyExists(f"{self._kind}_EXISTS", f"{name} is there already")
            case RequestIdTaken():
                raise InvalidArgument(
                    "REQUEST_ID_TAKEN",
                    f"request id {request_id!r} belongs to another request",
                    field="request_id",
                )
            case never:
                assert_never(never)

    async def get(self, name: str) -> V:
        """Return the resource of that name. Error: NotFound."""
        value = await self._catalog.get(name)
        if value is None:
            raise self._not_found(name)
        return value

    async def list(self, page: PageRequest, filters: Mapping[str, str]) -> Page[V]:
        """Return a page of the resources that pass the filters, by name."""
        listed = "&".join([self._kind, *(f"{key}={filters[key]}" for key in sorted(filters))])
        found = await self._catalog.list(filters, page.after(listed), page.limit + 1)
        items = tuple(found[: page.limit])
        more = len(found) > page.limit
        return Page(
            items=items, next_token=next_token(listed, self._name_of(items[-1])) if more else ""
        )

    async def update(self, value: V, *, allow_missing: bool) -> V:
        """Replace a resource, or create it when allowed. Error: NotFound."""
        if not await self._catalog.update(value, allow_missing=allow_missing):
            raise self._not_found(self._name_of(value))
        return value

    def _not_found(self, name: str) -> NotFound:
        return NotFound(f"{self._kind}_NOT_FOUND", f"there is no {name}")
