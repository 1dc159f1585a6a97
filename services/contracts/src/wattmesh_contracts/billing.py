"""wattmesh.type.v1.BillingState and Bill ↔ the kernel's."""

from collections.abc import Mapping

from wattmesh.type.v1 import tariff_pb2
from wattmesh_contracts.tariff_windows import convert_all
from wattmesh_contracts.values import (
    at_field,
    required_datetime_from_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.tariff import (
    Bill,
    BillGap,
    BillingState,
    BillLine,
    ChargeCause,
    DemandPeak,
    GapReason,
    OpenAverage,
    TierUsage,
)

_CAUSES: Mapping[ChargeCause, tariff_pb2.ChargeCause.ValueType] = {
    ChargeCause.IMPORT_ENERGY: tariff_pb2.CHARGE_CAUSE_IMPORT_ENERGY,
    ChargeCause.EXPORT_ENERGY: tariff_pb2.CHARGE_CAUSE_EXPORT_ENERGY,
    ChargeCause.TIER: tariff_pb2.CHARGE_CAUSE_TIER,
    ChargeCause.DEMAND: tariff_pb2.CHARGE_CAUSE_DEMAND,
    ChargeCause.COINCIDENT_PEAK: tariff_pb2.CHARGE_CAUSE_COINCIDENT_PEAK,
    ChargeCause.FIXED: tariff_pb2.CHARGE_CAUSE_FIXED,
}
_GAP_REASONS: Mapping[GapReason, tariff_pb2.BillGapReason.ValueType] = {
    GapReason.READING: tariff_pb2.BILL_GAP_REASON_READING,
    GapReason.PRICE: tariff_pb2.BILL_GAP_REASON_PRICE,
}


def billing_state_from_proto(proto: tariff_pb2.BillingState) -> BillingState:
    """Return a billing state; InvalidArgument when it has no time or a negative amount."""
    return BillingState(
        as_of=required_datetime_from_proto(proto, "as_of_time"),
        demand_peaks=convert_all(_peak_from_proto, proto.demand_peaks),
        open_averages=convert_all(_average_from_proto, proto.open_averages),
        tier_usages=convert_all(_usage_from_proto, proto.tier_usages),
    )


def _peak_from_proto(proto: tariff_pb2.DemandPeak) -> DemandPeak:
    with at_field("demand_peaks"):
        return DemandPeak(
            charge_id=proto.demand_charge_id,
            period_start=required_datetime_from_proto(proto, "period_start_time"),
            peak_kw=proto.peak_kw,
        )


def _average_from_proto(proto: tariff_pb2.OpenAverage) -> OpenAverage:
    with at_field("open_averages"):
        return OpenAverage(
            charge_id=proto.demand_charge_id,
            start=required_datetime_from_proto(proto, "start_time"),
            energy_kwh=proto.energy_kwh,
        )


def _usage_from_proto(proto: tariff_pb2.TierUsage) -> TierUsage:
    with at_field("tier_usages"):
        return TierUsage(
            rate_id=proto.tiered_rate_id,
            period_start=required_datetime_from_proto(proto, "period_start_time"),
            energy_kwh=proto.energy_kwh,
        )


def billing_state_to_proto(state: BillingState) -> tariff_pb2.BillingState:
    """Return a billing state as its proto; `billing_state_from_proto` gives it back."""
    return tariff_pb2.BillingState(
        as_of_time=timestamp_to_proto(state.as_of),
        demand_peaks=[
            tariff_pb2.DemandPeak(
                demand_charge_id=peak.charge_id,
                period_start_time=timestamp_to_proto(peak.period_start),
                peak_kw=peak.peak_kw,
            )
            for peak in state.demand_peaks
        ],
        open_averages=[
            tariff_pb2.OpenAverage(
                demand_charge_id=average.charge_id,
                start_time=timestamp_to_proto(average.start),
                energy_kwh=average.energy_kwh,
            )
            for average in state.open_averages
        ],
        tier_usages=[
            tariff_pb2.TierUsage(
                tiered_rate_id=usage.rate_id,
                period_start_time=timestamp_to_proto(usage.period_start),
                energy_kwh=usage.energy_kwh,
            )
            for usage in state.tier_usages
        ],
    )


def bill_to_proto(bill: Bill) -> tariff_pb2.Bill:
    """Return a bill as its proto, gaps and all."""
    return tariff_pb2.Bill(
        range=time_range_to_proto(bill.range),
        lines=map(line_to_proto, bill.lines),
        total_amount=format(bill.subtotal.amount, "f"),
        currency_code=bill.currency_code,
        gaps=map(_gap_to_proto, bill.gaps),
    )


def line_to_proto(line: BillLine) -> tariff_pb2.BillLine:
    """Return a line of a bill."""
    return tariff_pb2.BillLine(
        cause=_CAUSES[line.cause],
        display_name=line.name,
        quantity=line.quantity,
        unit=line.unit,
        amount=format(line.amount, "f"),
        range=None if line.part is None else time_range_to_proto(line.part),
        estimated_ratio=line.estimated_ratio,
    )


def _gap_to_proto(gap: BillGap) -> tariff_pb2.BillGap:
    return tariff_pb2.BillGap(range=time_range_to_proto(gap.range), reason=_GAP_REASONS[gap.reason])
