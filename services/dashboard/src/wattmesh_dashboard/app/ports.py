"""What the use cases need from outside."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from wattmesh_dashboard.domain.flow import SiteFlow
from wattmesh_dashboard.domain.news import FeedState
from wattmesh_dashboard.domain.together import AllSites
from wattmesh_dashboard.domain.users import Key, User
from wattmesh_kernel.ids import AssetId, TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import TimeRange


class Encoder(Protocol):
    """Makes parts of a message; parts that are laid end to end are a message again."""

    def feed(self, state: FeedState) -> bytes:
        """Return how a feed is."""

    def flow(self, flow: SiteFlow) -> bytes:
        """Return what flows at a site."""

    def all_sites(self, sums: AllSites) -> bytes:
        """Return what flows at all sites together."""

    def revision(self, revision: int) -> bytes:
        """Return the revision of the site model."""


class Calls(Protocol):
    """Calls to the services behind, as bytes."""

    async def call(
        self, method: str, request: bytes, metadata: Mapping[str, str], seconds: float | None
    ) -> bytes:
        """Return the answer of `package.Service/Method`.

        Errors: Unimplemented `METHOD_NOT_SERVED` for what browsers may not call; those of the
        service.
        """


class Tariffs(Protocol):
    """Tariffs with their published prices."""

    async def tariff(self, tariff: TariffId, span: TimeRange) -> Tariff:
        """Return a tariff with the prices published for `span`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchanged:
    """What was taken from the grid and given to it [Wh per interval], NaN where not metered."""

    import_wh: Series
    export_wh: Series


class Exchange(Protocol):
    """What was metered at grid connections."""

    async def exchanged(
        self, connections: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> Exchanged:
        """Return the energies of connections together; `span` is on the raster."""


@dataclass(slots=True)
class KeptUsers:
    """Users by name, API keys by the digest of their secret, and tenants with sites."""

    users: dict[str, User] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    tenants: tuple[str, ...] = ()


class Users(Protocol):
    """Where users are kept, and every process of the mesh reads them."""

    @property
    def key_prefix(self) -> str:
        """How a secret begins, so that it is told from a token."""

    def read(self) -> KeptUsers:
        """Return them."""

    def change(self) -> AbstractContextManager[KeptUsers]:
        """Give them, to be changed by nobody else meanwhile; kept when the block ends well."""
