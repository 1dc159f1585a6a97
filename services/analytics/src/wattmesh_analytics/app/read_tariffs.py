"""By what a site is billed: its own contract, which may change, or a tariff that is named."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_analytics.app.ports import KnownTariffs
from wattmesh_analytics.app.question import known_model
from wattmesh_kernel.errors import NotFound
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.sites import Site
from wattmesh_kernel.tariff import Tariff
from wattmesh_kernel.time import TimeRange
from wattmesh_sitemodel.contract import read_contract
from wattmesh_sitemodel.view import SiteModelView

_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteTariff:
    """What a site is billed by: `rules`, as yet without published prices."""

    site: Site
    named: TariffId | None
    rules: Tariff
    as_of: datetime | None = None

    def name_at(self, moment: datetime) -> TariffId:
        """Return the tariff that holds at an instant."""
        return self.named or self.site.tariff_at(moment) or self.rules.id

    def name_over(self, span: TimeRange) -> TariffId:
        """Return the tariff that holds when a range ends."""
        return self.name_at(max(span.start, span.end - _MOMENT))


class ReadTariffs:
    """Reads by what sites are billed, as it is or as it was known at a time."""

    def __init__(self, view: SiteModelView, tariffs: KnownTariffs) -> None:
        self._view = view
        self._tariffs = tariffs

    async def rules(
        self, site: Site, named: TariffId | None = None, as_of: datetime | None = None
    ) -> SiteTariff:
        """Return by what a site is billed, or was as known then.

        As of before anybody had said by which tariff the site pays it is what is said now.
        Error: NotFound `TARIFF_NOT_FOUND`.
        """
        if as_of is None:
            return self.current(site, named)
        known = await self._tariffs.site(site.id, as_of)
        then = known if known.tariffs else site

        async def read(name: TariffId) -> Tariff:
            return await self._tariffs.tariff(name, TimeRange(as_of, as_of), as_of)

        found = await (read_contract(then, read) if named is None else read(named))
        return SiteTariff(site=then, named=named, rules=_found(site, found), as_of=as_of)

    def current(self, site: Site, named: TariffId | None = None) -> SiteTariff:
        """Return by what a site is billed, as the site model has it. Error: NotFound."""
        model = known_model(self._view)
        found = model.tariff_of(site) if named is None else model.tariffs.get(named)
        return SiteTariff(site=site, named=named, rules=_found(site, found))

    async def priced(self, tariff: SiteTariff, span: TimeRange) -> Tariff:
        """Return it with the prices of a range. Error: NotFound."""

        async def read(name: TariffId) -> Tariff:
            return await self._tariffs.tariff(name, span, tariff.as_of)

        if tariff.named is not None:
            return await read(tariff.named)
        return _found(tariff.site, await read_contract(tariff.site, read))


def _found(site: Site, tariff: Tariff | None) -> Tariff:
    if tariff is None:
        raise NotFound("TARIFF_NOT_FOUND", f"{site.id} has no tariff, or there is none so named")
    return tariff
