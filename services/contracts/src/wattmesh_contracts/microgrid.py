"""wattmesh.site.v1.Microgrid ↔ the kernel's."""

from typing import Any

from wattmesh.site.v1 import site_pb2
from wattmesh_contracts.values import at_field, duration_from_proto, duration_to_proto
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.sites import Microgrid

_NUMBERS = (
    "readiness_percentile_ratio",
    "readiness_price_per_kwh",
    "nominal_voltage_v",
    "nominal_frequency_hz",
)


def microgrid_from_proto(proto: site_pb2.Microgrid) -> Microgrid:
    """Return how a site does without the grid; InvalidArgument naming what makes no sense."""
    with at_field("microgrid"):
        said = dict[str, Any]()
        for name in _NUMBERS:
            if proto.HasField(name):  # type: ignore[arg-type]
                said[name] = getattr(proto, name)
        if proto.HasField("readiness_duration"):
            said["readiness"] = duration_from_proto(proto.readiness_duration, "readiness_duration")
        if proto.HasField("reconnect_delay"):
            said["reconnect_delay"] = duration_from_proto(proto.reconnect_delay, "reconnect_delay")
        shed = tuple(AssetId.parse(each, "shed_assets") for each in proto.shed_assets)
        order = tuple(AssetId.parse(each, "restore_assets") for each in proto.restore_assets)
        return Microgrid(shed_assets=shed, restore_assets=order, **said)


def microgrid_to_proto(microgrid: Microgrid) -> site_pb2.Microgrid:
    """Return it as its proto."""
    ready = microgrid.readiness
    return site_pb2.Microgrid(
        readiness_duration=None if ready is None else duration_to_proto(ready),
        reconnect_delay=duration_to_proto(microgrid.reconnect_delay),
        shed_assets=[each.name for each in microgrid.shed_assets],
        restore_assets=[each.name for each in microgrid.restore_assets],
        **{name: getattr(microgrid, name) for name in _NUMBERS},
    )
