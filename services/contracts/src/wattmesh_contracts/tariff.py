"""wattmesh.type.v1.Tariff ↔ the kernel's tariff."""

from dataclasses import replace
from datetime import date
from typing import Any

from wattmesh.type.v1 import date_pb2, tariff_pb2
from wattmesh_contracts.tariff_charges import (
    coincident_from_proto,
    coincident_to_proto,
    demand_from_proto,
    demand_to_proto,
    fixed_from_proto,
    fixed_to_proto,
    limit_from_proto,
    limit_to_proto,
)
from wattmesh_contracts.tariff_windows import convert_all, window_from_proto, window_to_proto
from wattmesh_contracts.values import (
    at_field,
    optional_datetime_from_proto,
    required_datetime_from_proto,
    series_from_proto,
    series_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.tariff import (
    BillingCycle,
    EnergyRates,
    RealTimePrice,
    Tariff,
    TariffVersion,
    Tier,
    TieredRate,
    TouPeriod,
)


def tariff_from_proto(proto: tariff_pb2.Tariff) -> Tariff:
    """Return a tariff; InvalidArgument with the field when it makes no sense."""
    itself = _terms_from_proto(proto, TariffId.parse(proto.name), proto.currency_code)
    if not proto.versions:
        return itself
    versions = (_version_from_proto(each, itself) for each in proto.versions)
    return replace(itself, versions=tuple(versions))


def _version_from_proto(proto: tariff_pb2.TariffVersion, of: Tariff) -> TariffVersion:
    with at_field("versions"):
        return TariffVersion(
            start=required_datetime_from_proto(proto, "start_time"),
            end=optional_datetime_from_proto(
                proto.end_time, present=proto.HasField("end_time"), field="end_time"
            ),
            terms=_terms_from_proto(proto, of.id, of.currency_code),
        )


def _terms_from_proto(
    proto: tariff_pb2.Tariff | tariff_pb2.TariffVersion, name: TariffId, currency_code: str
) -> Tariff:
    cycle = proto.billing_cycle
    return Tariff(
        id=name,
        display_name=proto.display_name,
        currency_code=currency_code,
        import_rates=_rates_from_proto(proto.import_rates),
        export_rates=_rates_from_proto(proto.export_rates),
        fixed_charges=convert_all(fixed_from_proto, proto.fixed_charges),
        demand_charges=convert_all(demand_from_proto, proto.demand_charges),
        coincident_peak_charges=convert_all(coincident_from_proto, proto.coincident_peak_charges),
        power_limits=convert_all(limit_from_proto, proto.power_limits),
        billing_cycle=BillingCycle(start_day=cycle.start_day, months=cycle.months)
        if proto.HasField("billing_cycle")
        else BillingCycle(),
        holidays=frozenset(map(_date_from_proto, proto.holidays)),
    )


def tariff_to_proto(tariff: Tariff) -> tariff_pb2.Tariff:
    """Return a tariff as its proto; `tariff_from_proto` gives the same tariff back."""
    return tariff_pb2.Tariff(
        name=tariff.id.name,
        currency_code=tariff.currency_code,
        versions=map(_version_to_proto, tariff.versions),
        **_terms_to_proto(tariff),
    )


def _version_to_proto(version: TariffVersion) -> tariff_pb2.TariffVersion:
    return tariff_pb2.TariffVersion(
        start_time=timestamp_to_proto(version.start),
        end_time=None if version.end is None else timestamp_to_proto(version.end),
        **_terms_to_proto(version.terms),
    )


def _terms_to_proto(tariff: Tariff) -> dict[str, Any]:
    """Return the fields that a tariff and a version of it have in common."""
    cycle = tariff.billing_cycle
    return {
        "display_name": tariff.display_name,
        "import_rates": _rates_to_proto(tariff.import_rates),
        "export_rates": _rates_to_proto(tariff.export_rates),
        "fixed_charges": map(fixed_to_proto, tariff.fixed_charges),
        "demand_charges": map(demand_to_proto, tariff.demand_charges),
        "coincident_peak_charges": map(coincident_to_proto, tariff.coincident_peak_charges),
        "power_limits": map(limit_to_proto, tariff.power_limits),
        "billing_cycle": tariff_pb2.BillingCycle(start_day=cycle.start_day, months=cycle.months),
        "holidays": [
            date_pb2.Date(year=day.year, month=day.month, day=day.day)
            for day in sorted(tariff.holidays)
        ],
    }


def _date_from_proto(proto: date_pb2.Date) -> date:
    try:
        return date(proto.year, proto.month, proto.day)
    except ValueError as error:
        raise InvalidArgument("INVALID_DATE", f"holidays: {error}", field="holidays") from error


def _rates_from_proto(proto: tariff_pb2.EnergyRates) -> EnergyRates:
    return EnergyRates(
        base_per_kwh=proto.base_per_kwh,
        tou_periods=convert_all(_tou_from_proto, proto.tou_periods),
        real_time=_real_time_from_proto(proto.real_time) if proto.HasField("real_time") else None,
        tiered_rates=convert_all(_tiered_from_proto, proto.tiered_rates),
    )


def _rates_to_proto(rates: EnergyRates) -> tariff_pb2.EnergyRates:
    return tariff_pb2.EnergyRates(
        base_per_kwh=rates.base_per_kwh,
        tou_periods=map(_tou_to_proto, rates.tou_periods),
        real_time=None if rates.real_time is None else _real_time_to_proto(rates.real_time),
        tiered_rates=map(_tiered_to_proto, rates.tiered_rates),
    )


def _tou_from_proto(proto: tariff_pb2.TouPeriod) -> TouPeriod:
    return TouPeriod(
        name=proto.display_name,
        window=window_from_proto(proto.window),
        price_per_kwh=proto.price_per_kwh,
    )


def _tou_to_proto(period: TouPeriod) -> tariff_pb2.TouPeriod:
    return tariff_pb2.TouPeriod(
        display_name=period.name,
        window=window_to_proto(period.window),
        price_per_kwh=period.price_per_kwh,
    )


def _real_time_from_proto(proto: tariff_pb2.RealTimePrice) -> RealTimePrice:
    return RealTimePrice(
        published=series_from_proto(proto.price_per_kwh, "real_time.price_per_kwh")
        if proto.HasField("price_per_kwh")
        else None,
        multiplier=proto.multiplier if proto.HasField("multiplier") else 1.0,
        adder_per_kwh=proto.adder_per_kwh,
        minimum_per_kwh=proto.minimum_per_kwh if proto.HasField("minimum_per_kwh") else None,
        maximum_per_kwh=proto.maximum_per_kwh if proto.HasField("maximum_per_kwh") else None,
    )


def _real_time_to_proto(price: RealTimePrice) -> tariff_pb2.RealTimePrice:
    return tariff_pb2.RealTimePrice(
        price_per_kwh=None if price.published is None else series_to_proto(price.published),
        multiplier=price.multiplier,
        adder_per_kwh=price.adder_per_kwh,
        minimum_per_kwh=price.minimum_per_kwh,
        maximum_per_kwh=price.maximum_per_kwh,
    )


def _tiered_from_proto(proto: tariff_pb2.TieredRate) -> TieredRate:
    return TieredRate(
        id=proto.id,
        window=window_from_proto(proto.window),
        tiers=tuple(
            Tier(
                from_kwh=tier.from_kwh,
                from_kwh_per_day=tier.from_kwh_per_day,
                price_per_kwh=tier.price_per_kwh,
            )
            for tier in proto.tiers
        ),
    )


def _tiered_to_proto(rate: TieredRate) -> tariff_pb2.TieredRate:
    return tariff_pb2.TieredRate(
        id=rate.id,
        window=window_to_proto(rate.window),
        tiers=[
            tariff_pb2.Tier(
                from_kwh=tier.from_kwh,
                from_kwh_per_day=tier.from_kwh_per_day,
                price_per_kwh=tier.price_per_kwh,
            )
            for tier in rate.tiers
        ],
    )
