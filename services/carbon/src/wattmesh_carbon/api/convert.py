"""wattmesh.carbon.v1 ↔ carbon's domain."""

from datetime import datetime, timedelta
from typing import Literal, Protocol

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from wattmesh.carbon.v1 import carbon_pb2
from wattmesh.type.v1 import time_range_pb2
from wattmesh_carbon.domain.intensity import Basis, Intensity
from wattmesh_carbon.domain.spread import Spread
from wattmesh_carbon.domain.window import Run, Window
from wattmesh_contracts.values import (
    duration_from_proto,
    optional_datetime_from_proto,
    series_from_proto,
    series_to_proto,
    time_range_from_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.time import TimeRange


class Spanning(Protocol):
    """A request for a zone over a range at a resolution."""

    @property
    def zone(self) -> str:
        """`zones/{zone}`."""

    @property
    def range(self) -> time_range_pb2.TimeRange:
        """What range."""

    @property
    def resolution(self) -> Duration:
        """Interval length."""


def span_from_proto(request: Spanning) -> tuple[ZoneId, TimeRange, timedelta]:
    """Return zone, range and resolution of a request."""
    return (
        ZoneId.parse(request.zone),
        time_range_from_proto(request.range, "range"),
        duration_from_proto(request.resolution, "resolution"),
    )


class AsOf(Protocol):
    """A request that may ask what was known at a time."""

    @property
    def as_of_time(self) -> Timestamp:
        """The time."""

    def HasField(self, field_name: Literal["as_of_time"]) -> bool:  # noqa: N802
        """Whether it is told."""


def as_of_from_proto(request: AsOf) -> datetime | None:
    """Return as of when it is asked; None: all that is known."""
    present = request.HasField("as_of_time")
    return optional_datetime_from_proto(request.as_of_time, present=present, field="as_of_time")


def average_from_proto(message: carbon_pb2.AverageIntensity) -> Intensity:
    """Return a measured average intensity."""
    return Intensity(
        zone=ZoneId.parse(message.zone),
        basis=Basis.AVERAGE,
        gco2e_per_kwh=series_from_proto(message.average_gco2e_per_kwh, "average_gco2e_per_kwh"),
        source=message.source,
    )


def marginal_from_proto(message: carbon_pb2.MarginalIntensity) -> Intensity:
    """Return a measured marginal intensity."""
    return Intensity(
        zone=ZoneId.parse(message.zone),
        basis=Basis.MARGINAL,
        gco2e_per_kwh=series_from_proto(message.marginal_gco2e_per_kwh, "marginal_gco2e_per_kwh"),
        source=message.source,
    )


def average_to_proto(intensity: Intensity) -> carbon_pb2.AverageIntensity:
    """Return an average intensity as its proto."""
    return carbon_pb2.AverageIntensity(
        zone=intensity.zone.name,
        average_gco2e_per_kwh=series_to_proto(intensity.gco2e_per_kwh),
        source=intensity.source,
        issue_time=timestamp_to_proto(intensity.issue_time) if intensity.issue_time else None,
        newest_time=timestamp_to_proto(intensity.newest_time) if intensity.newest_time else None,
        pattern_ratio=intensity.pattern_ratio,
    )


def marginal_to_proto(intensity: Intensity) -> carbon_pb2.MarginalIntensity:
    """Return a marginal intensity as its proto."""
    return carbon_pb2.MarginalIntensity(
        zone=intensity.zone.name,
        marginal_gco2e_per_kwh=series_to_proto(intensity.gco2e_per_kwh),
        source=intensity.source,
        issue_time=timestamp_to_proto(intensity.issue_time) if intensity.issue_time else None,
        newest_time=timestamp_to_proto(intensity.newest_time) if intensity.newest_time else None,
        pattern_ratio=intensity.pattern_ratio,
    )


def quantiles_to_proto(spread: Spread | None) -> list[carbon_pb2.IntensityQuantile]:
    """Return the quantiles of a forecast, rising."""
    return [
        carbon_pb2.IntensityQuantile(ratio=ratio, values=values)
        for ratio, values in sorted(({} if spread is None else spread.quantiles).items())
    ]


def score_to_proto(spread: Spread | None) -> carbon_pb2.IntensityScore | None:
    """Return how forecasts made alike came out."""
    if spread is None:
        return None
    return carbon_pb2.IntensityScore(
        mean_absolute_error_gco2e_per_kwh=spread.score.mean_absolute_error,
        naive_mean_absolute_error_gco2e_per_kwh=spread.score.naive_mean_absolute_error,
        coverage_ratio=spread.score.coverage_ratio,
        compared=spread.score.compared,
        pattern_mean_absolute_error_gco2e_per_kwh=spread.score.pattern_mean_absolute_error,
    )


def basis_from_proto(request: carbon_pb2.FindBestWindowRequest) -> Basis:
    """Return by which intensity a window is looked for."""
    return Basis.MARGINAL if request.marginal else Basis.AVERAGE


def run_from_proto(request: carbon_pb2.FindBestWindowRequest) -> Run:
    """Return what is to run."""
    duration = min_stretch = None
    if request.HasField("run_duration"):
        duration = duration_from_proto(request.run_duration, "run_duration")
    if request.HasField("min_stretch_duration"):
        min_stretch = duration_from_proto(request.min_stretch_duration, "min_stretch_duration")
    return Run.of(
        duration,
        energy_wh=request.energy_wh,
        power_w=request.power_w,
        interruptible=request.interruptible,
        min_stretch=min_stretch or timedelta(0),
    )


def window_to_proto(window: Window, basis: Basis, run: Run) -> carbon_pb2.FindBestWindowResponse:
    """Return a window as its proto."""
    kwh = run.energy_wh / 1000
    by_average = basis is Basis.AVERAGE
    return carbon_pb2.FindBestWindowResponse(
        range=time_range_to_proto(window.span),
        average_gco2e_per_kwh=window.mean if by_average else 0.0,
        immediate_average_gco2e_per_kwh=window.immediate_mean if by_average else 0.0,
        run_ranges=map(time_range_to_proto, window.stretches),
        emissions_gco2e=window.mean * kwh if kwh else None,
        immediate_emissions_gco2e=window.immediate_mean * kwh if kwh else None,
        marginal_gco2e_per_kwh=None if by_average else window.mean,
        immediate_marginal_gco2e_per_kwh=None if by_average else window.immediate_mean,
    )
