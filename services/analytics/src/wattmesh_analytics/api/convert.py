"""wattmesh.analytics.v1 ↔ domain."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from wattmesh.analytics.v1 import analytics_service_pb2 as service_pb
from wattmesh.analytics.v1 import bill_pb2, footprint_pb2, indicators_pb2, report_pb2, savings_pb2
from wattmesh_analytics.api.enums import EnumPair
from wattmesh_analytics.app.query_bills import SiteBills
from wattmesh_analytics.app.query_footprint import SiteFootprint
from wattmesh_analytics.app.query_tariff_costs import TariffCost
from wattmesh_analytics.app.question import RESOLUTION, Span
from wattmesh_analytics.domain.causes import SavingsCause
from wattmesh_analytics.domain.indicators import Division
from wattmesh_analytics.domain.monthly import ReportFile
from wattmesh_analytics.domain.report import Format
from wattmesh_analytics.domain.savings import Account, LeftOut, Savings
from wattmesh_analytics.domain.site_energy import Counterfactual
from wattmesh_contracts.billing import bill_to_proto, line_to_proto
from wattmesh_contracts.values import (
    at_field,
    duration_from_proto,
    optional_datetime_from_proto,
    series_from_proto,
    time_range_from_proto,
    time_range_to_proto,
)
from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import GroupId, SiteId, TariffId
from wattmesh_kernel.money import Money
from wattmesh_kernel.series import Series

_Request = (
    service_pb.QueryBillsRequest
    | service_pb.QuerySavingsRequest
    | service_pb.QueryIndicatorsRequest
    | service_pb.QueryTariffCostsRequest
    | service_pb.QueryFootprintRequest
    | service_pb.QueryReportRequest
)
_COUNTERFACTUALS = EnumPair[Counterfactual, bill_pb2.Counterfactual.ValueType](
    {
        Counterfactual.IDLE_STORAGE: bill_pb2.COUNTERFACTUAL_IDLE_STORAGE,
        Counterfactual.SELF_CONSUMPTION: bill_pb2.COUNTERFACTUAL_SELF_CONSUMPTION,
        Counterfactual.CHARGE_AT_ONCE: bill_pb2.COUNTERFACTUAL_CHARGE_AT_ONCE,
        Counterfactual.THERMOSTAT: bill_pb2.COUNTERFACTUAL_THERMOSTAT,
        Counterfactual.UNCONTROLLED: bill_pb2.COUNTERFACTUAL_UNCONTROLLED,
        Counterfactual.DECLARED: bill_pb2.COUNTERFACTUAL_DECLARED,
    }
)
_DIVISIONS: Mapping[int, Division] = {
    indicators_pb2.DIVISION_UNSPECIFIED: Division.WHOLE,
    indicators_pb2.DIVISION_DAY: Division.DAY,
    indicators_pb2.DIVISION_MONTH: Division.MONTH,
    indicators_pb2.DIVISION_WEEK: Division.WEEK,
    indicators_pb2.DIVISION_YEAR: Division.YEAR,
}
_FORMATS: Mapping[int, Format] = {
    report_pb2.REPORT_FORMAT_UNSPECIFIED: Format.PDF,
    report_pb2.REPORT_FORMAT_PDF: Format.PDF,
    report_pb2.REPORT_FORMAT_CSV: Format.CSV,
}
_CAUSES: Mapping[SavingsCause, savings_pb2.SavingsCause.ValueType] = {
    SavingsCause.SELF_CONSUMPTION: savings_pb2.SAVINGS_CAUSE_SELF_CONSUMPTION,
    SavingsCause.ARBITRAGE: savings_pb2.SAVINGS_CAUSE_ARBITRAGE,
    SavingsCause.PEAK: savings_pb2.SAVINGS_CAUSE_PEAK,
    SavingsCause.OTHER: savings_pb2.SAVINGS_CAUSE_OTHER,
    SavingsCause.CHARGING: savings_pb2.SAVINGS_CAUSE_CHARGING,
    SavingsCause.HEATING_AND_COOLING: savings_pb2.SAVINGS_CAUSE_HEATING_AND_COOLING,
    SavingsCause.DEMAND_RESPONSE: savings_pb2.SAVINGS_CAUSE_DEMAND_RESPONSE,
    SavingsCause.DECLARED: savings_pb2.SAVINGS_CAUSE_DECLARED,
}


def site_from_proto(name: str) -> SiteId:
    """Return the site that is named."""
    with at_field("site"):
        return SiteId.parse(name)


def sites_from_proto(names: Sequence[str]) -> list[SiteId]:
    """Return the sites that are named."""
    with at_field("sites"):
        return [SiteId.parse(name) for name in names]


def tariff_from_proto(name: str) -> TariffId | None:
    """Return the tariff that is named; None: the site's own."""
    if not name:
        return None
    with at_field("tariff"):
        return TariffId.parse(name)


def tariffs_from_proto(names: Sequence[str]) -> list[TariffId]:
    """Return the tariffs that are named."""
    with at_field("tariffs"):
        return [TariffId.parse(name) for name in names]


def subjects_from_proto(names: Sequence[str]) -> list[SiteId | GroupId]:
    """Return the sites or groups that are named."""
    with at_field("subjects"):
        return [
            GroupId.parse(name) if name.startswith("groups/") else SiteId.parse(name)
            for name in names
        ]


def as_of_from_proto(
    request: service_pb.QueryBillsRequest | service_pb.QueryFootprintRequest,
) -> datetime | None:
    """Return as of when it is asked; None: all that is known."""
    present = request.HasField("as_of_time")
    return optional_datetime_from_proto(request.as_of_time, present=present, field="as_of_time")


def span_from_proto(request: _Request) -> Span:
    """Return the time that is asked about."""
    resolution = RESOLUTION
    if request.HasField("resolution"):
        resolution = duration_from_proto(request.resolution, "resolution")
    return Span(range=time_range_from_proto(request.range), resolution=resolution)


def counterfactual_from_proto(value: int) -> Counterfactual | None:
    """Return the counterfactual; None when none is said."""
    if value == bill_pb2.COUNTERFACTUAL_UNSPECIFIED:
        return None
    return required_counterfactual_from_proto(value)


def required_counterfactual_from_proto(value: int) -> Counterfactual:
    """Return the counterfactual; InvalidArgument when none is said, or an unknown one."""
    what = "no counterfactual to compare with"
    return _COUNTERFACTUALS.from_proto(value, "counterfactual", what)


def declared_from_proto(changes: Sequence[savings_pb2.DeclaredChange]) -> dict[SiteId, Series]:
    """Return what is declared of each site; InvalidArgument for one that stands twice."""
    found = dict[SiteId, Series]()
    for index, each in enumerate(changes):
        field = f"declared_changes[{index}]"
        site = SiteId.parse(each.site, f"{field}.site")
        require(site not in found, "REPEATED_SITE", "a site stands once", f"{field}.site")
        found[site] = series_from_proto(each.net_energy_wh, f"{field}.net_energy_wh")
    return found


def subject_from_proto(request: service_pb.QueryIndicatorsRequest) -> SiteId | GroupId:
    """Return whose indicators are asked for; InvalidArgument unless one of both is said."""
    require(
        bool(request.site) != bool(request.group),
        "MISSING_FIELD",
        "say a site, or a group in its place",
        "site",
    )
    return GroupId.parse(request.group, "group") if request.group else site_from_proto(request.site)


def division_from_proto(value: int) -> Division:
    """Return how a range is divided."""
    found = _DIVISIONS.get(value)
    if found is None:
        raise InvalidArgument("UNKNOWN_VALUE", f"there is no division {value}", field="division")
    return found


def format_from_proto(value: int) -> Format:
    """Return in what a report is written."""
    found = _FORMATS.get(value)
    if found is None:
        raise InvalidArgument("UNKNOWN_VALUE", f"there is no format {value}", field="format")
    return found


def report_to_proto(report: ReportFile) -> report_pb2.Report:
    """Return a report."""
    return report_pb2.Report(
        file_name=report.name, media_type=report.media_type, content=report.content
    )


def bills_to_proto(bills: SiteBills) -> list[bill_pb2.SiteBill]:
    """Return the bills of a site."""
    return [
        bill_pb2.SiteBill(
            site=bills.site.name,
            tariff=bills.tariff.name,
            period_range=time_range_to_proto(each.period),
            whole_period=each.whole_period,
            bill=bill_to_proto(each.bill),
            covered_ratio=each.covered_ratio,
            import_energy_kwh=_decimal(each.import_kwh),
            export_energy_kwh=_decimal(each.export_kwh),
            estimated_ranges=map(time_range_to_proto, each.estimated),
            estimated_import_energy_kwh=_decimal(each.estimated_import_kwh),
            estimated_export_energy_kwh=_decimal(each.estimated_export_kwh),
        )
        for each in bills.bills
    ]


def savings_to_proto(savings: Savings) -> savings_pb2.Savings:
    """Return a comparison."""
    stored = savings.stored
    value = None if stored is None else stored.value
    interval, currency = savings.interval, savings.metered.cost.currency_code
    return savings_pb2.Savings(
        sites=[site.name for site in savings.sites],
        range=time_range_to_proto(savings.range),
        counterfactual=_COUNTERFACTUALS.to_proto(savings.counterfactual),
        currency_code=savings.metered.cost.currency_code,
        metered=_account_to_proto(savings.metered),
        without=_account_to_proto(savings.without),
        saved_amount=str(savings.saved.amount),
        parts=[
            savings_pb2.SavingsPart(cause=_CAUSES[cause], amount=f"{amount:f}")
            for cause, amount in savings.parts.items()
        ],
        stored_energy_gain_kwh=None if stored is None else stored.energy_kwh,
        stored_energy_amount=_rounded(value),
        covered_ratio=savings.covered_ratio,
        missing_intervals=savings.missing_intervals,
        saved_low_amount="" if interval is None else cents(interval.low, currency),
        saved_high_amount="" if interval is None else cents(interval.high, currency),
        avoided_gco2e=savings.avoided_gco2e,
        carbon_amount=_rounded(savings.carbon),
        left_out=left_out_to_proto(savings.left_out),
        comfort_amount=_rounded(savings.comfort),
        comparable_saved_amount=_rounded(savings.comparable),
    )


def left_out_to_proto(left_out: Iterable[LeftOut]) -> list[savings_pb2.LeftOut]:
    """Return what could not be moved."""
    return [
        savings_pb2.LeftOut(subject=each.subject.name, message=each.message) for each in left_out
    ]


def cents(amount: Decimal, currency_code: str) -> str:
    """Return an amount rounded as its currency is, as decimal text."""
    return str(Money(amount, currency_code).rounded().amount)


def tariff_cost_to_proto(cost: TariffCost) -> bill_pb2.TariffCost:
    """Return what a tariff would have cost."""
    return bill_pb2.TariffCost(
        tariff=cost.tariff.name,
        currency_code=cost.cost.currency_code,
        cost_amount=str(cost.cost.amount),
        without_storage_amount=str(cost.without_storage.amount),
        lines=map(line_to_proto, cost.lines),
        covered_ratio=cost.covered_ratio,
    )


def footprint_to_proto(
    found: SiteFootprint[footprint_pb2.SiteFootprint],
) -> footprint_pb2.SiteFootprint:
    """Return what sites amount to."""
    message = footprint_pb2.SiteFootprint(
        sites=[site.name for site in found.sites], range=time_range_to_proto(found.span.range)
    )
    message.MergeFrom(found.accounts)
    return message


def _account_to_proto(account: Account) -> savings_pb2.Account:
    imported, exported = account.total_kwh
    return savings_pb2.Account(
        cost_amount=str(account.cost.rounded().amount),
        emissions_gco2e=_grams(account.emissions_kg),
        peak_kw=account.peak_kw,
        import_energy_kwh=imported,
        export_energy_kwh=exported,
        demand_response_amount=_rounded(account.demand_response),
        discomfort_kelvin_hours=account.discomfort_kelvin_hours,
        tariff_amount=_rounded(account.by_tariff),
    )


def _rounded(amount: Money | None) -> str:
    """Return an amount as decimal text; empty: not known."""
    return "" if amount is None else str(amount.rounded().amount)


def _decimal(energy_kwh: float) -> str:
    """Return an energy to the watt-hour, as decimal text."""
    return f"{energy_kwh:.3f}"


def _grams(mass_kg: float | None) -> float | None:
    return None if mass_kg is None else mass_kg * 1000
