"""wattmesh.analytics.v1 ↔ monthly reports."""

from collections.abc import Mapping

from wattmesh.analytics.v1 import report_pb2
from wattmesh_analytics.app.list_reports import month_from_text
from wattmesh_analytics.domain.monthly import (
    DeliveryState,
    Month,
    MonthlyReport,
    Subject,
    subject_of,
)
from wattmesh_contracts.values import time_range_to_proto, timestamp_to_proto
from wattmesh_kernel.errors import InvalidArgument

_STATES: Mapping[DeliveryState, report_pb2.DeliveryState.ValueType] = {
    DeliveryState.WAITING: report_pb2.DELIVERY_STATE_WAITING,
    DeliveryState.SENDING: report_pb2.DELIVERY_STATE_SENDING,
    DeliveryState.SENT: report_pb2.DELIVERY_STATE_SENT,
    DeliveryState.REFUSED: report_pb2.DELIVERY_STATE_REFUSED,
    DeliveryState.UNSURE: report_pb2.DELIVERY_STATE_UNSURE,
}
_PARTS = 4


def monthly_report_name_from_proto(name: str) -> tuple[Subject, Month]:
    """Return of what and of which month a report is."""
    parts = name.split("/")
    if len(parts) != _PARTS or parts[2] != "monthly-reports":
        raise InvalidArgument(
            "INVALID_NAME", f"{name!r} is no sites/{{site}}/monthly-reports/2024-05", field="name"
        )
    subject = subject_of("/".join(parts[:2]))
    return subject, month_from_text(parts[3])


def monthly_report_to_proto(report: MonthlyReport) -> report_pb2.MonthlyReport:
    """Return a monthly report, without its files."""
    return report_pb2.MonthlyReport(
        name=report.name,
        subject=report.subject.name,
        range=time_range_to_proto(report.range),
        make_time=timestamp_to_proto(report.make_time),
        deliveries=[
            report_pb2.ReportDelivery(
                recipient=each.recipient,
                state=_STATES[each.state],
                change_time=timestamp_to_proto(each.time),
                message=each.message,
            )
            for each in report.deliveries
        ],
    )
