"""Whose ear meters wait for before they speak."""

from wattmesh_kernel.sites import MqttConnection
from wattmesh_runtime.service import Runtime
from wattmesh_twin.adapters.gateway import GatewayClient
from wattmesh_twin.app.deliver_telegrams import FirstWord
from wattmesh_twin.app.provision import Endpoints
from wattmesh_twin.domain.dataset import DataSet
from wattmesh_twin.domain.topology import devices_of
from wattmesh_twin.settings import TwinSettings


def first_word(
    settings: TwinSettings, runtime: Runtime, dataset: DataSet, endpoints: Endpoints
) -> FirstWord | None:
    """Return what meters wait for: their gateway; None where none is named."""
    if settings.gateway_target is None:
        return None
    meters = [
        device.id
        for site in dataset.sites
        for device in devices_of(site.spec, endpoints.reach(site.spec.id))
        if isinstance(device.connection, MqttConnection)
    ]
    return FirstWord(GatewayClient(runtime.channel(settings.gateway_target)), meters)
