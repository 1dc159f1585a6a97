"""Publish and read factors."""

from collections.abc import Sequence

from wattmesh_carbon.app.ports import FactorStore
from wattmesh_carbon.domain.factors import KNOWN, Factor, Factors
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.paging import page_size


class KeepFactors:
    """The factors that come with the service, and those published over them."""

    def __init__(self, store: FactorStore) -> None:
        self._store = store

    async def publish(self, factor: Factor) -> Factor:
        """Keep a factor, in place of one of the same kind, zone and year."""
        await self._store.publish(factor)
        return factor

    async def of_zone(self, zone: ZoneId) -> Factors:
        """Return the factors by which a zone's energy is reckoned."""
        return Factors((*KNOWN, *await self._store.of_zone(zone)))

    async def page(
        self, zone: ZoneId | None, size: int, token: str
    ) -> tuple[Sequence[Factor], str]:
        """Return a page by kind, zone and year, and the token of the next."""
        count = page_size(size)
        by_key = {each.key: each for each in (*KNOWN, *await self._store.of_zone(zone))}
        names = {"/".join(map(str, key)): each for key, each in sorted(by_key.items())}
        after = [name for name in names if name > token]
        page = after[:count]
        return [names[name] for name in page], page[-1] if len(after) > count else ""
