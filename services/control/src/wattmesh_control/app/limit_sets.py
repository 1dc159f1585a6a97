"""The limits of devices, put together from the site model and their owners."""

from collections.abc import Iterable
from datetime import datetime

from wattmesh_control.app.catalog import DeviceCatalog
from wattmesh_control.domain.limits import Answer, Limit, LimitSet, Refused
from wattmesh_control.domain.setpoint import SetpointKind
from wattmesh_kernel.ids import DeviceId


class LimitSets:
    """Clamps wishes to what the devices can do and their limits allow."""

    def __init__(self, catalog: DeviceCatalog, limits: Iterable[Limit]) -> None:
        self._catalog = catalog
        self._limits = list(limits)

    def answer(
        self, device: DeviceId, kind: SetpointKind, value: float, moment: datetime
    ) -> Answer:
        """Return what becomes of `value` on a device at `moment`."""
        found = self._catalog.find(device)
        if found is None:
            return Refused(f"the site model has no {device}")
        envelope = found.envelopes.get(kind)
        if envelope is None:
            return Refused(f"{device} takes no {kind.value}")
        limits = [
            limit for limit in self._limits if limit.device == device and limit.in_force(moment)
        ]
        return LimitSet(kind, envelope, limits).clamp(value)
