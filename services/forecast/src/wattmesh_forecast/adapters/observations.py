"""What goes on in forecast, as OpenTelemetry metrics."""

from collections import Counter
from collections.abc import Sequence
from typing import assert_never

from wattmesh_forecast.domain.outcome import Issued, NotForecast, Outcome
from wattmesh_forecast.metrics import FORECASTS, NOT_FORECAST
from wattmesh_runtime.telemetry import Telemetry

_Labels = tuple[tuple[str, str], ...]


class TelemetryObservations:
    """Observations, by the process's instruments."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._forecasts = telemetry.counter(FORECASTS)
        self._not_forecast = telemetry.counter(NOT_FORECAST)

    def answered(self, outcomes: Sequence[Outcome]) -> None:
        """Forecasts were issued, or not."""
        issued, refused = Counter[_Labels](), Counter[_Labels]()
        for outcome in outcomes:
            match outcome:
                case Issued(forecast=forecast):
                    source = forecast.source.partition(":")[0]
                    kind = ("wattmesh.forecast.kind", forecast.kind.value)
                    issued[kind, ("wattmesh.forecast.source", source)] += 1
                case NotForecast(reason=reason):
                    refused[(("wattmesh.forecast.reason", reason.value),)] += 1
                case _:
                    assert_never(outcome)
        for labels, count in issued.items():
            self._forecasts.add(count, dict(labels))
        for labels, count in refused.items():
            self._not_forecast.add(count, dict(labels))
