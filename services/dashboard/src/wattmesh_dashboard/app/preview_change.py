"""What the bill of a site would have come to, had a record been another."""

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from wattmesh_dashboard.app.ports import Exchange, Tariffs
from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import NotFound, Unavailable
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.sites import Asset, Device, GridConnectionRating, Site
from wattmesh_kernel.tariff import Bill, EnergyDirection, EnergyRates, Tariff, bill
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_sitemodel.contract import read_contract
from wattmesh_sitemodel.view import SiteModelView

RESOLUTION = timedelta(minutes=15)
_HOUR = timedelta(hours=1)
_LONGEST = timedelta(days=62)

Record = Site | Asset | Device | Tariff


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """Two bills of the same energies; None where the record changes no price."""

    before: Bill | None = None
    after: Bill | None = None
    covered_ratio: float = 0.0


class PreviewChange:
    """Bills what was metered by the tariff that holds, and by the one that would."""

    def __init__(self, view: SiteModelView, tariffs: Tariffs, exchange: Exchange) -> None:
        self._view = view
        self._tariffs = tariffs
        self._exchange = exchange

    async def __call__(self, name: SiteId, record: Record, span: TimeRange | None) -> Preview:
        """Return both bills.

        Errors: InvalidArgument; NotFound `SITE_NOT_FOUND`, `TARIFF_NOT_FOUND`; Unavailable.
        """
        site = self._site(name)
        if span is None or not isinstance(record, Site | Tariff):
            return Preview()
        _check(span)
        stored = await self._contract(site, span)
        wanted = await self._wanted(site, record, span)
        connections = [
            asset.id
            for asset in self._view.model.assets.values()
            if asset.id.site == name and isinstance(asset.rating, GridConnectionRating)
        ]
        if wanted is None or not connections:
            return Preview()
        energy = await self._exchange.exchanged(connections, span, RESOLUTION)
        known = np.isfinite(energy.import_wh.values) & np.isfinite(energy.export_wh.values)
        before, after = (
            None if each is None else bill(each, energy.import_wh, energy.export_wh, site.zone)
            for each in (stored, wanted)
        )
        return Preview(before=before, after=after, covered_ratio=float(np.mean(known)))

    async def _contract(self, site: Site, span: TimeRange) -> Tariff | None:
        return await read_contract(site, lambda each: self._tariffs.tariff(each, span))

    async def _wanted(self, site: Site, record: Site | Tariff, span: TimeRange) -> Tariff | None:
        """Return the tariff that would hold; None: the one that does."""
        if isinstance(record, Site):
            now, then = ((each.tariff, each.tariff_assignments) for each in (site, record))
            return None if now == then else await self._contract(record, span)
        known = {each: await self._tariffs.tariff(each, span) for each in site.tariffs}
        if record.id in known:
            record = with_published_prices(record, known[record.id])
        elif site.tariff is not None and not site.tariff_assignments:
            return with_published_prices(record, known[site.tariff])
        return record if not known else site.contract({**known, record.id: record})

    def _site(self, name: SiteId) -> Site:
        if not self._view.known:
            raise Unavailable("SITE_MODEL_UNKNOWN", "the site model was never heard of")
        site = self._view.model.sites.get(name)
        if site is None:
            raise NotFound("SITE_NOT_FOUND", f"there is no site {name}")
        return site


def with_published_prices(wanted: Tariff, stored: Tariff) -> Tariff:
    """Return a tariff with the prices that were published for another: no editor has them."""
    return wanted.with_terms(
        lambda terms: replace(
            terms,
            import_rates=_published(terms, stored, EnergyDirection.IMPORT),
            export_rates=_published(terms, stored, EnergyDirection.EXPORT),
        )
    )


def _published(wanted: Tariff, stored: Tariff, direction: EnergyDirection) -> EnergyRates:
    rates = wanted.rates(direction)
    dynamic = (each.rates(direction).real_time for each in stored.every_terms)
    known = next((each for each in dynamic if each is not None), None)
    if rates.real_time is None or known is None:
        return rates
    return replace(rates, real_time=replace(rates.real_time, published=known.published))


def _check(span: TimeRange) -> None:
    require(not span.empty, "EMPTY_RANGE", "the range is empty", "bill_range")
    for field, end in (("start_time", span.start), ("end_time", span.end)):
        require(
            floor_time(end, _HOUR) == end,
            "OFF_RASTER",
            f"{end.isoformat()} is not on a whole hour",
            f"bill_range.{field}",
        )
    longest = _LONGEST.days
    require(span.duration <= _LONGEST, "RANGE_TOO_LONG", f"at most {longest} days", "bill_range")
