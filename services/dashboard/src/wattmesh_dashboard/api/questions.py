"""What is asked of the dashboard itself, for programs and browsers alike: convert, ask, convert."""

from dataclasses import dataclass

from wattmesh.dashboard.v1 import dashboard_service_pb2 as pb
from wattmesh_contracts.billing import bill_to_proto
from wattmesh_contracts.devices import device_from_proto
from wattmesh_contracts.sites import asset_from_proto, site_from_proto
from wattmesh_contracts.tariff import tariff_from_proto
from wattmesh_contracts.values import duration_from_proto, series_to_proto, time_range_from_proto
from wattmesh_dashboard.app.preview_change import Preview, PreviewChange, Record
from wattmesh_dashboard.app.query_prices import RESOLUTION, Prices, QueryPrices
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import SiteId


@dataclass(frozen=True, kw_only=True, slots=True)
class Questions:
    """The use cases that answer at once."""

    prices: QueryPrices
    preview: PreviewChange

    async def query_prices(self, request: pb.QueryPricesRequest) -> pb.QueryPricesResponse:
        """Say what energy costs and earns."""
        asked = request.HasField("resolution")
        prices = await self.prices(
            SiteId.parse(request.site, "site"),
            time_range_from_proto(request.range),
            duration_from_proto(request.resolution, "resolution") if asked else RESOLUTION,
        )
        return prices_to_proto(prices)

    async def preview_change(self, request: pb.PreviewChangeRequest) -> pb.PreviewChangeResponse:
        """Say what is wrong with a record, and what it would come to."""
        site = SiteId.parse(request.site, "site")
        span = (
            time_range_from_proto(request.bill_range, "bill_range")
            if request.HasField("bill_range")
            else None
        )
        try:
            record = record_from_proto(request)
        except InvalidArgument as error:
            fault = pb.RecordFault(field=error.field, message=error.message, reason=error.reason)
            return pb.PreviewChangeResponse(faults=[fault])
        return preview_to_proto(await self.preview(site, record, span))


def record_from_proto(request: pb.PreviewChangeRequest) -> Record:
    """Return the record that would be stored. Error: InvalidArgument with its field."""
    match request.WhichOneof("record"):
        case "changed_site":
            return site_from_proto(request.changed_site)
        case "changed_asset":
            return asset_from_proto(request.changed_asset)
        case "changed_device":
            return device_from_proto(request.changed_device)
        case "changed_tariff":
            return tariff_from_proto(request.changed_tariff)
        case _:
            raise InvalidArgument("MISSING_FIELD", "no record is given", field="record")


def preview_to_proto(preview: Preview) -> pb.PreviewChangeResponse:
    """Return a preview as its proto."""
    before, after = (
        None if each is None else bill_to_proto(each) for each in (preview.before, preview.after)
    )
    return pb.PreviewChangeResponse(
        bill_before=before, bill_after=after, covered_ratio=preview.covered_ratio
    )


def prices_to_proto(prices: Prices) -> pb.QueryPricesResponse:
    """Return prices as their proto."""
    return pb.QueryPricesResponse(
        currency_code=prices.currency_code,
        tariff=prices.tariff.name,
        import_price_per_kwh=series_to_proto(prices.import_price_per_kwh),
        export_price_per_kwh=series_to_proto(prices.export_price_per_kwh),
    )
