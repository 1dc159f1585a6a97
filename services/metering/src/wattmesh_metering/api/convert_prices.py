"""Dynamic prices of wattmesh.site.v1 ↔ domain."""

from datetime import datetime

from wattmesh.site.v1 import site_service_pb2
from wattmesh.type.v1 import tariff_pb2
from wattmesh_contracts.values import (
    optional_datetime_from_proto,
    series_from_proto,
    series_to_proto,
    time_range_from_proto,
)
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import EnergyDirection, EnergyRates
from wattmesh_kernel.time import TimeRange
from wattmesh_metering.api.convert_record import TARIFFS
from wattmesh_metering.app.tariff_prices import TariffWithPrices

_FIELDS = {
    EnergyDirection.IMPORT: "import_price_per_kwh",
    EnergyDirection.EXPORT: "export_price_per_kwh",
}


def price_query_from_proto(
    request: site_service_pb2.GetTariffRequest,
) -> tuple[TimeRange | None, datetime | None]:
    """Return the range whose prices are wanted, and by when they were known."""
    span = None
    if request.HasField("price_range"):
        span = time_range_from_proto(request.price_range, "price_range")
    return span, known_by_from_proto(request)


def known_by_from_proto(
    request: site_service_pb2.GetTariffRequest | site_service_pb2.GetSiteRequest,
) -> datetime | None:
    """Return as of when something is asked; None: now."""
    return optional_datetime_from_proto(
        request.known_by_time, present=request.HasField("known_by_time"), field="known_by_time"
    )


def priced_to_proto(found: TariffWithPrices) -> tariff_pb2.Tariff:
    """Return a tariff's message with its published prices."""
    proto = TARIFFS.proto(found.record)
    messages: list[tariff_pb2.Tariff | tariff_pb2.TariffVersion] = [proto, *proto.versions]
    for terms, message in zip(found.tariff.every_terms, messages, strict=True):
        _fill(terms.import_rates, message.import_rates)
        _fill(terms.export_rates, message.export_rates)
    return proto


def _fill(rates: EnergyRates, message: tariff_pb2.EnergyRates) -> None:
    if rates.real_time is not None and rates.real_time.published is not None:
        prices = series_to_proto(rates.real_time.published)
        message.real_time.price_per_kwh.CopyFrom(prices)


def publication_from_proto(
    request: site_service_pb2.PublishPricesRequest,
) -> tuple[datetime | None, list[tuple[EnergyDirection, Series]]]:
    """Return when prices were published, and the prices of each direction that is there."""
    when = optional_datetime_from_proto(
        request.publish_time, present=request.HasField("publish_time"), field="publish_time"
    )
    series = [
        (direction, series_from_proto(getattr(request, field), field))
        for direction, field in _FIELDS.items()
        if request.HasField(field)  # type: ignore[arg-type]  # both have presence
    ]
    return when, series
