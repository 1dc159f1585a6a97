"""What energy costs and earns at a site, for a chart."""

from dataclasses import dataclass
from datetime import timedelta

from wattmesh_dashboard.app.ports import Tariffs
from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import NotFound, Unavailable
from wattmesh_kernel.ids import SiteId, TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import Site
from wattmesh_kernel.tariff import lower_tariff
from wattmesh_kernel.time import TimeRange, floor_time
from wattmesh_sitemodel.contract import read_contract
from wattmesh_sitemodel.view import SiteModelView

RESOLUTION = timedelta(minutes=15)
_MOST_INTERVALS = 5_000
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """Prices per kWh by interval, in `currency_code`; NaN where none is published."""

    tariff: TariffId
    currency_code: str
    import_price_per_kwh: Series
    export_price_per_kwh: Series


class QueryPrices:
    """Lowers the tariff of a site, by the kernel's arithmetic."""

    def __init__(self, view: SiteModelView, tariffs: Tariffs) -> None:
        self._view = view
        self._tariffs = tariffs

    async def __call__(self, name: SiteId, span: TimeRange, resolution: timedelta) -> Prices:
        """Return the prices.

        Errors: InvalidArgument; NotFound `SITE_NOT_FOUND`, `TARIFF_NOT_FOUND`; Unavailable.
        """
        _check(span, resolution)
        site = self._site(name)
        tariff = await read_contract(site, lambda each: self._tariffs.tariff(each, span))
        if tariff is None:
            raise NotFound("TARIFF_NOT_FOUND", f"{name} has no tariff")
        lowered = lower_tariff(tariff, span, resolution, site.zone)
        return Prices(
            tariff=site.tariff_at(span.start) or tariff.id,
            currency_code=tariff.currency_code,
            import_price_per_kwh=Series(span.start, resolution, lowered.import_price_per_kwh),
            export_price_per_kwh=Series(span.start, resolution, lowered.export_price_per_kwh),
        )

    def _site(self, name: SiteId) -> Site:
        if not self._view.known:
            raise Unavailable("SITE_MODEL_UNKNOWN", "the site model was never heard of")
        site = self._view.model.sites.get(name)
        if site is None:
            raise NotFound("SITE_NOT_FOUND", f"there is no site {name}")
        return site


def _check(span: TimeRange, resolution: timedelta) -> None:
    whole = timedelta(0) < resolution <= _HOUR and not _HOUR % resolution
    require(
        whole and not resolution % timedelta(seconds=1),
        "INVALID_RESOLUTION",
        f"{resolution} does not divide an hour into whole seconds",
        "resolution",
    )
    require(not span.empty, "EMPTY_RANGE", "the range is empty", "range")
    for field, end in (("start_time", span.start), ("end_time", span.end)):
        require(
            floor_time(end, resolution) == end,
            "OFF_RASTER",
            f"{end.isoformat()} is not on the raster of {resolution}",
            f"range.{field}",
        )
    require(
        span.count(resolution) <= _MOST_INTERVALS,
        "RANGE_TOO_LONG",
        f"at most {_MOST_INTERVALS} intervals",
        "range",
    )
