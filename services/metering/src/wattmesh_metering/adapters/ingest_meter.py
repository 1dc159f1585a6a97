"""Ingestion's numbers as OpenTelemetry metrics."""

from wattmesh_metering.app.ports import GroupReport
from wattmesh_metering.metrics import COMMIT_BATCHES, COMMIT_DURATION, COMMIT_FAILURES, READINGS
from wattmesh_runtime.telemetry import Telemetry


class TelemetryIngestMeter:
    """Records committed and failed groups."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._readings = telemetry.counter(READINGS)
        self._duration = telemetry.histogram(COMMIT_DURATION)
        self._batches = telemetry.histogram(COMMIT_BATCHES)
        self._failures = telemetry.counter(COMMIT_FAILURES)

    def committed(self, report: GroupReport) -> None:
        """Record a committed group."""
        self._readings.add(report.stored, {"outcome": "stored"})
        self._readings.add(report.duplicates, {"outcome": "duplicate"})
        self._readings.add(report.revised, {"outcome": "revised"})
        self._readings.add(report.rejected, {"outcome": "rejected"})
        self._duration.record(report.seconds)
        self._batches.record(report.batches)

    def failed(self) -> None:
        """Record a group that could not be committed."""
        self._failures.add(1)
