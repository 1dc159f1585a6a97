"""wattmesh.metering.v1 ↔ domain: queries and their answers."""

from collections.abc import Iterable

import numpy as np

from wattmesh.metering.v1 import metering_pb2
from wattmesh.type.v1 import series_pb2
from wattmesh_contracts.values import duration_from_proto, series_to_proto, time_range_from_proto
from wattmesh_kernel.checks import require
from wattmesh_kernel.quantities import Kind, Quantity
from wattmesh_metering.api.fields import require_present
from wattmesh_metering.app.ports import IngestStatistics
from wattmesh_metering.app.query_energy import AssetEnergy
from wattmesh_metering.domain.intervals import Intervals
from wattmesh_metering.domain.readings import Floats
from wattmesh_metering.domain.resampling import Aggregation

_AGGREGATIONS = {
    metering_pb2.AGGREGATION_MEAN: Aggregation.MEAN,
    metering_pb2.AGGREGATION_LAST: Aggregation.LAST,
    metering_pb2.AGGREGATION_INCREASE: Aggregation.INCREASE,
    metering_pb2.AGGREGATION_MAX: Aggregation.MAX,
    metering_pb2.AGGREGATION_COUNT: Aggregation.COUNT,
}

_QUANTITY_KINDS = {
    Kind.REGISTER: metering_pb2.QUANTITY_KIND_REGISTER,
    Kind.GAUGE: metering_pb2.QUANTITY_KIND_GAUGE,
}


def intervals_from_proto(
    request: metering_pb2.QuerySeriesRequest | metering_pb2.QueryEnergyRequest,
) -> Intervals:
    """Return a query's intervals; InvalidArgument when they make no sense."""
    require_present(request, "range")
    require_present(request, "resolution")
    return Intervals(
        range=time_range_from_proto(request.range, "range"),
        resolution=duration_from_proto(request.resolution, "resolution"),
    )


def aggregation_from_proto(aggregation: int) -> Aggregation:
    """Return how readings become a series; InvalidArgument when it is not said."""
    require(aggregation in _AGGREGATIONS, "MISSING_FIELD", "aggregation is required", "aggregation")
    return next(known for number, known in _AGGREGATIONS.items() if number == aggregation)


def energies_to_proto(
    energies: Iterable[AssetEnergy], intervals: Intervals
) -> metering_pb2.QueryEnergyResponse:
    """Return energies; all their series have the same intervals, which are converted once."""
    empty = series_to_proto(intervals.series(np.empty(0)))

    def series(values: Floats) -> series_pb2.Series:
        proto = series_pb2.Series(start_time=empty.start_time, resolution=empty.resolution)
        proto.values.extend(values.tolist())
        return proto

    return metering_pb2.QueryEnergyResponse(
        energies=[
            metering_pb2.AssetEnergy(
                asset=each.asset.name,
                import_energy_wh=series(each.energy.imported_wh),
                export_energy_wh=series(each.energy.exported_wh),
                derived=each.derived,
            )
            for each in energies
        ]
    )


def statistics_to_proto(
    statistics: IngestStatistics,
) -> metering_pb2.GetIngestStatisticsResponse:
    """Return counts of ingestion."""
    return metering_pb2.GetIngestStatisticsResponse(
        stored=statistics.stored,
        duplicates=statistics.duplicates,
        rejected=statistics.rejected,
        devices=[
            metering_pb2.DeviceCount(
                device=count.device.name, stored=count.stored, measure_times=count.measure_times
            )
            for count in statistics.devices
        ],
    )


def quantity_to_proto(quantity: Quantity) -> metering_pb2.Quantity:
    """Return what a point can measure."""
    return metering_pb2.Quantity(
        name=f"quantities/{quantity.id}",
        unit=quantity.unit,
        kind=_QUANTITY_KINDS[quantity.kind],
        min_value=quantity.minimum,
        max_value=quantity.maximum,
    )
