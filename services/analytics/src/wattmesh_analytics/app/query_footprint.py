"""What the energy of sites amounts to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from wattmesh_analytics.app.ports import Accountant
from wattmesh_analytics.app.question import Span, known_model, site_assets
from wattmesh_analytics.app.read_energy import ReadEnergy
from wattmesh_analytics.domain.portfolio import ZoneEnergy, by_zone, zone_energy
from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import FailedPrecondition, InvalidArgument, NotFound
from wattmesh_kernel.ids import GroupId, SiteId
from wattmesh_runtime.aio.tasks import map_at_most
from wattmesh_sitemodel.view import SiteModelView

Accounts = TypeVar("Accounts")
_AT_ONCE = 20
_MOST_SITES = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteFootprint(Generic[Accounts]):
    """What one site, or several as one, amount to."""

    sites: tuple[SiteId, ...]
    span: Span
    accounts: Accounts


@dataclass(frozen=True, kw_only=True, slots=True)
class Footprints(Generic[Accounts]):
    """All sites as one, and each."""

    total: SiteFootprint[Accounts]
    sites: tuple[SiteFootprint[Accounts], ...]


class QueryFootprint(Generic[Accounts]):
    """Reads what was metered, and has carbon keep account of it."""

    def __init__(
        self,
        *,
        clock: Clock,
        view: SiteModelView,
        energy: ReadEnergy,
        accountant: Accountant[Accounts],
    ) -> None:
        self._clock = clock
        self._view = view
        self._energy = energy
        self._accountant = accountant

    async def __call__(
        self, subjects: Sequence[SiteId | GroupId], span: Span, as_of: datetime | None = None
    ) -> Footprints[Accounts]:
        """Return the footprints of sites, or of those of a group.

        Errors: as `site_assets`; NotFound `GROUP_NOT_FOUND`; FailedPrecondition `NO_CARBON_ZONE`;
        InvalidArgument for a span that is not over and for subjects that do not go together.
        """
        span.require_past(self._clock)
        sites = self._sites(subjects)
        groups = [each for each in subjects if isinstance(each, GroupId)]

        async def one(site: SiteId) -> tuple[ZoneEnergy, Accounts]:
            energy = await self._zone_energy(site, span, as_of)
            return energy, await self._accountant.accounts(energy, [site], as_of)

        found = await map_at_most(_AT_ONCE, one, sites)
        energies = [energy for energy, _ in found]
        each = [accounts for _, accounts in found]
        total = await self._accountant.together(
            by_zone(energies), [*sites, *groups], as_of, list(zip(energies, each, strict=True))
        )
        return Footprints(
            total=SiteFootprint(sites=tuple(sites), span=span, accounts=total),
            sites=tuple(
                SiteFootprint(sites=(site,), span=span, accounts=accounts)
                for site, accounts in zip(sites, each, strict=True)
            ),
        )

    async def _zone_energy(self, site: SiteId, span: Span, as_of: datetime | None) -> ZoneEnergy:
        assets = site_assets(self._view, site)
        zone = assets.site.carbon_zone
        if zone is None:
            raise FailedPrecondition("NO_CARBON_ZONE", f"{site} is in no carbon zone")
        return zone_energy(zone, await self._energy(assets, span.range, span.resolution, as_of))

    def _sites(self, subjects: Sequence[SiteId | GroupId]) -> list[SiteId]:
        require(bool(subjects), "MISSING_FIELD", "name at least one subject", "subjects")
        sites = [each for each in subjects if isinstance(each, SiteId)]
        if len(sites) == len(subjects):
            once = len(set(sites)) == len(sites) <= _MOST_SITES
            require(once, "REPEATED_SITE", f"a site stands once, {_MOST_SITES} at most", "subjects")
            return sites
        if len(subjects) > 1 or not isinstance(subjects[0], GroupId):
            raise InvalidArgument("REPEATED_SITE", "name sites, or one group", field="subjects")
        group = known_model(self._view).groups.get(subjects[0])
        if group is None or not group.sites:
            raise NotFound("GROUP_NOT_FOUND", f"there is no {subjects[0]}, or it has no site")
        return sorted(group.sites)
