"""What a point may show at most: by the ratings of what its device measures."""

from collections.abc import Callable
from datetime import timedelta

from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.sites import Asset, Device, rated_power
from wattmesh_metering.domain.vee.flags import Limits

_POWERS = frozenset({"active_power_w", "apparent_power_va"})


def limits_of(device: Device, quantity: str, asset_of: Callable[[AssetId], Asset | None]) -> Limits:
    """Return the limits of one of a device's points."""
    return Limits(
        rated=_rated(device, quantity, asset_of),
        interval_us=device.reporting_interval // timedelta(microseconds=1),
    )


def _rated(
    device: Device, quantity: str, asset_of: Callable[[AssetId], Asset | None]
) -> float | None:
    """Return the largest power of all that the device measures by this point [W]."""
    measured = {
        function.asset for function in device.functions if quantity in device.measures(function)
    }
    total = 0.0
    for each in measured:
        asset = asset_of(each)
        most = None if asset is None else _most(asset, quantity)
        if most is None:
            return None
        total += most
    return total or None


def _most(asset: Asset, quantity: str) -> float | None:
    """Return the rated power in the direction that the quantity counts [W]; None: nobody says.

    What is rated for one direction alone still draws for itself, or gives way a little: there the
    rating of the other direction bounds it.
    """
    rated = rated_power(asset)
    into, out = rated.max_import_w, rated.max_export_w
    if quantity in _POWERS:
        return None if into is None or out is None else max(into, out)
    if quantity == "import_energy_wh":
        return into if into != 0.0 else out
    if quantity == "export_energy_wh":
        return out if out != 0.0 else into
    return None
