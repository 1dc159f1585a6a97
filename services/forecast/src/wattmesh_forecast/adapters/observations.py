"""What goes on in forecast, as OpenTelemetry metrics."""

from collections import Counter
from collections.abc import Sequence
from typing import assert_never

from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.labels import Step
from wattmesh_forecast.domain.outcome import Issued, NotForecast, Outcome
from wattmesh_forecast.domain.standing import Standing
from wattmesh_forecast.metrics import (
    FORECASTS,
    MODEL_JUDGED,
    MODEL_REFUSED,
    MODEL_TAKEN_BACK,
    MODEL_TRIED,
    NOT_FORECAST,
)
from wattmesh_runtime.telemetry import Telemetry

_Labels = tuple[tuple[str, str], ...]


class TelemetryObservations:
    """Observations and LifeCycleNews, by the process's instruments."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._forecasts = telemetry.counter(FORECASTS)
        self._model_refused = telemetry.counter(MODEL_REFUSED)
        self._not_forecast = telemetry.counter(NOT_FORECAST)
        self._judged = telemetry.counter(MODEL_JUDGED)
        self._taken_back = telemetry.counter(MODEL_TAKEN_BACK)
        self._tried = telemetry.counter(MODEL_TRIED)

    def stands(self, kind: Kind, where: Standing) -> None:
        """The version in service was judged."""
        labels = {"wattmesh.forecast.kind": kind.value, "wattmesh.forecast.standing": where.value}
        self._judged.add(1, labels)

    def taken_back(self, kind: Kind) -> None:
        """A version went out of service."""
        self._taken_back.add(1, {"wattmesh.forecast.kind": kind.value})

    def tried(self, kind: Kind, step: Step) -> None:
        """A candidate became more, or went back."""
        labels = {"wattmesh.forecast.kind": kind.value, "wattmesh.forecast.step": step.value}
        self._tried.add(1, labels)

    def answered(self, outcomes: Sequence[Outcome]) -> None:
        """Forecasts were issued, or not."""
        issued, doubted, refused = (Counter[_Labels]() for _ in range(3))
        for outcome in outcomes:
            match outcome:
                case Issued(forecast=forecast):
                    source = forecast.source.partition(":")[0]
                    kind = ("wattmesh.forecast.kind", forecast.kind.value)
                    issued[kind, ("wattmesh.forecast.source", source)] += 1
                    if forecast.refusal is not None:
                        why = forecast.refusal.value
                        doubted[kind, ("wattmesh.forecast.refusal", why)] += 1
                case NotForecast(reason=reason):
                    refused[(("wattmesh.forecast.reason", reason.value),)] += 1
                case _:
                    assert_never(outcome)
        for counter, counts in (
            (self._forecasts, issued),
            (self._model_refused, doubted),
            (self._not_forecast, refused),
        ):
            for labels, count in counts.items():
                counter.add(count, dict(labels))
