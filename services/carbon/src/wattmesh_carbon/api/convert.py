"""wattmesh.carbon.v1 ↔ carbon's domain."""

from datetime import timedelta
from typing import Protocol

from google.protobuf.duration_pb2 import Duration

from wattmesh.carbon.v1 import carbon_pb2
from wattmesh.type.v1 import time_range_pb2
from wattmesh_carbon.domain.footprint import Footprint
from wattmesh_carbon.domain.intensity import Basis, Intensity
from wattmesh_carbon.domain.window import Window
from wattmesh_contracts.values import (
    duration_from_proto,
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
    )


def marginal_to_proto(intensity: Intensity) -> carbon_pb2.MarginalIntensity:
    """Return a marginal intensity as its proto."""
    return carbon_pb2.MarginalIntensity(
        zone=intensity.zone.name,
        marginal_gco2e_per_kwh=series_to_proto(intensity.gco2e_per_kwh),
        source=intensity.source,
        issue_time=timestamp_to_proto(intensity.issue_time) if intensity.issue_time else None,
    )


def footprint_to_proto(footprint: Footprint) -> carbon_pb2.ComputeFootprintResponse:
    """Return a footprint as its proto."""
    return carbon_pb2.ComputeFootprintResponse(
        location_based_gco2e=footprint.location_based_gco2e,
        covered_energy_ratio=footprint.covered_energy_ratio,
    )


def window_to_proto(window: Window) -> carbon_pb2.FindBestWindowResponse:
    """Return a window as its proto."""
    return carbon_pb2.FindBestWindowResponse(
        range=time_range_to_proto(window.span),
        average_gco2e_per_kwh=window.mean,
        immediate_average_gco2e_per_kwh=window.immediate_mean,
    )
