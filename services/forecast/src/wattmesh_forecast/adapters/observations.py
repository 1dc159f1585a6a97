"""What goes on in forecast, as OpenTelemetry metrics."""

from collections.abc import Sequence

from wattmesh_forecast.domain.forecast import Forecast
from wattmesh_forecast.metrics import FORECASTS
from wattmesh_runtime.telemetry import Telemetry


class TelemetryObservations:
    """Observations, by the process's instruments."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._forecasts = telemetry.counter(FORECASTS)

    def issued(self, forecasts: Sequence[Forecast]) -> None:
        """Forecasts were issued."""
        for forecast in forecasts:
            self._forecasts.add(
                1,
                {
                    "wattmesh.forecast.kind": forecast.kind.value,
                    "wattmesh.forecast.source": forecast.source.partition(":")[0],
                },
            )
