"""A mesh's clients as the accounts of a run need them: metered energies and one tariff."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from wattmesh.metering.v1 import metering_pb2
from wattmesh.site.v1 import site_service_pb2
from wattmesh_contracts.tariff import tariff_to_proto
from wattmesh_contracts.values import series_to_proto
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import EnergyRates, Tariff
from wattmesh_local.watching.clients import MeshClients

HOUR = timedelta(hours=1)
TARIFF = Tariff(
    id=TariffId("flat"),
    currency_code="USD",
    import_rates=EnergyRates(base_per_kwh=1.0),
)


class MeteredMesh(MeshClients):
    """Answers with net energies [Wh per hour, NaN: not metered] per asset from `start` on."""

    def __init__(self, start: datetime, net_wh: Mapping[str, Sequence[float]]) -> None:
        self._start = start
        self._net_wh = net_wh
        self.metering = self.sites = self  # type: ignore[assignment]

    async def QueryEnergy(  # noqa: N802
        self, request: metering_pb2.QueryEnergyRequest
    ) -> metering_pb2.QueryEnergyResponse:
        """Return the energies of the assets that were asked for."""
        return metering_pb2.QueryEnergyResponse(
            energies=[self._energy(asset) for asset in request.assets]
        )

    async def GetTariff(  # noqa: N802
        self, _: site_service_pb2.GetTariffRequest
    ) -> site_service_pb2.GetTariffResponse:
        """Return the tariff: 1 USD/kWh for import, nothing for export."""
        return site_service_pb2.GetTariffResponse(tariff=tariff_to_proto(TARIFF))

    def _energy(self, asset: str) -> metering_pb2.AssetEnergy:
        net = Series(self._start, HOUR, np.array(self._net_wh[asset]))
        return metering_pb2.AssetEnergy(
            asset=asset,
            import_energy_wh=series_to_proto(net.with_values(np.maximum(net.values, 0))),
            export_energy_wh=series_to_proto(net.with_values(np.maximum(-net.values, 0))),
        )
