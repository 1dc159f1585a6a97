"""Anomalies of the domain → wattmesh.analytics.v1."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from wattmesh.analytics.v1 import anomaly_pb2
from wattmesh_analytics.app.find_anomalies import PricedAnomaly
from wattmesh_analytics.domain.anomalies.findings import AnomalyKind
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.money import Money
from wattmesh_kernel.time import TimeRange

_KINDS: Mapping[AnomalyKind, anomaly_pb2.AnomalyKind.ValueType] = {
    AnomalyKind.BASE_LOAD: anomaly_pb2.ANOMALY_KIND_BASE_LOAD,
    AnomalyKind.DAYS_OFF: anomaly_pb2.ANOMALY_KIND_DAYS_OFF,
    AnomalyKind.SENSOR_DRIFT: anomaly_pb2.ANOMALY_KIND_SENSOR_DRIFT,
    AnomalyKind.LOW_GENERATION: anomaly_pb2.ANOMALY_KIND_LOW_GENERATION,
    AnomalyKind.BATTERY_CAPACITY: anomaly_pb2.ANOMALY_KIND_BATTERY_CAPACITY,
    AnomalyKind.BATTERY_EFFICIENCY: anomaly_pb2.ANOMALY_KIND_BATTERY_EFFICIENCY,
    AnomalyKind.HVAC_EFFICIENCY: anomaly_pb2.ANOMALY_KIND_HVAC_EFFICIENCY,
}


def anomaly_to_proto(found: PricedAnomaly, end: datetime) -> anomaly_pb2.Anomaly:
    """Return an anomaly; one that lasts reaches to `end`."""
    anomaly = found.anomaly
    over = end if anomaly.ended is None else _midnight(anomaly.ended)
    return anomaly_pb2.Anomaly(
        kind=_KINDS[anomaly.kind],
        subject=anomaly.subject.name,
        range=time_range_to_proto(_span(anomaly.since, over)),
        lasting=anomaly.ended is None,
        seen_range=time_range_to_proto(_span(anomaly.seen + timedelta(days=1), over)),
        value=anomaly.value,
        usual_value=anomaly.usual,
        unit=anomaly.unit,
        reason=anomaly.reason,
        cost_amount=_amount(found.cost),
        yearly_cost_amount=_amount(found.yearly_cost),
        currency_code="" if found.cost is None else found.cost.currency_code,
    )


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _span(first: date, end: datetime) -> TimeRange:
    start = _midnight(first)
    return TimeRange(start, max(start, end))


def _amount(money: Money | None) -> str:
    return "" if money is None else str(money.amount)
