"""Energies at grid connections and of assets, and tariffs with their prices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import grpc
import numpy as np
from numpy.typing import NDArray

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh_contracts.values import duration_to_proto, series_from_proto, time_range_to_proto
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import Asset, GridConnectionRating, SiteModel
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import rpc_errors


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Metered:
    """Energy of an asset per interval [Wh], NaN: not metered; and how much of each is covered."""

    import_wh: Series
    export_wh: Series
    coverage: NDArray[np.float64]


class Energies:
    """Asks metering."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = metering_pb2_grpc.MeteringServiceStub(channel)

    async def of(
        self, assets: Sequence[str], span: TimeRange, resolution: timedelta
    ) -> Mapping[AssetId, Metered]:
        """Return the energies of assets; `sites/{site}/assets/-` are all of a site.

        Error: Unavailable.
        """
        request = metering_pb2.QueryEnergyRequest(
            assets=assets,
            range=time_range_to_proto(span),
            resolution=duration_to_proto(resolution),
            include_quality=True,
        )
        with rpc_errors():
            answer = await self._stub.QueryEnergy(request)
        return {AssetId.parse(each.asset): _metered(each) for each in answer.energies}


def grid_connection(model: SiteModel, site: SiteId) -> Asset | None:
    """Return a site's connection to the grid; None: it has none."""
    connections = (
        asset for asset in model.assets_of(site) if isinstance(asset.rating, GridConnectionRating)
    )
    return next(connections, None)


def _metered(proto: metering_pb2.AssetEnergy) -> Metered:
    imports = series_from_proto(proto.import_energy_wh)
    coverage = np.array(proto.import_coverage_ratios, dtype=np.float64)
    if not coverage.size:
        coverage = np.isfinite(imports.values).astype(np.float64)
    return Metered(
        import_wh=imports, export_wh=series_from_proto(proto.export_energy_wh), coverage=coverage
    )
