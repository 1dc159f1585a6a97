"""What energy is worth at a site over an interval: at the grid connection, and in its stores."""

from dataclasses import dataclass

from wattmesh_kernel.checks import (
    require,
    require_at_least,
    require_between,
    require_efficiency,
    require_finite,
    require_positive,
)
from wattmesh_kernel.ids import DeviceId

MOST_VALUES = 100
_MOST_STORES = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredWorth:
    """Worth of one more kWh in a store at the end of an interval [currency/kWh].

    `values_per_kwh` are over equal steps of the state of charge from 0 to 1, the fuller the less.
    Below `kept_soc_ratio` nothing is given beyond what the plan gives. Error: InvalidArgument.
    """

    device: DeviceId
    values_per_kwh: tuple[float, ...]
    charge_efficiency_ratio: float = 1.0
    discharge_efficiency_ratio: float = 1.0
    kept_soc_ratio: float = 0.0
    capacity_wh: float

    def __post_init__(self) -> None:
        require_between(len(self.values_per_kwh), 1, MOST_VALUES, "values_per_kwh")
        for value in self.values_per_kwh:
            require_finite(value, "values_per_kwh")
        require_efficiency(self.charge_efficiency_ratio, "charge_efficiency_ratio")
        require_efficiency(self.discharge_efficiency_ratio, "discharge_efficiency_ratio")
        require_between(self.kept_soc_ratio, 0, 1, "kept_soc_ratio")
        require_finite(self.capacity_wh, "capacity_wh")
        require_positive(self.capacity_wh, "capacity_wh")

    def after(self, soc_ratio: float, power_w: float, seconds: float) -> float:
        """Return the state of charge after a power into the store for some time.

        3.6 kW for a minute at 95 % into 5.7 kWh: it rises by a hundredth.
        """
        stored_w = (
            power_w * self.charge_efficiency_ratio
            if power_w >= 0
            else power_w / self.discharge_efficiency_ratio
        )
        return soc_ratio + stored_w * seconds / 3600 / self.capacity_wh

    def value_per_kwh(self, soc_ratio: float) -> float:
        """Return the worth of one more kWh at a state of charge, linear between middles of steps.

        Of (0.5, 0.3) over two halves it is 0.4 at one half, and 0.5 up to a quarter.
        """
        values = self.values_per_kwh
        place = min(max(soc_ratio * len(values) - 0.5, 0.0), len(values) - 1.0)
        step = min(int(place), max(len(values) - 2, 0))
        following = values[min(step + 1, len(values) - 1)]
        return values[step] + (following - values[step]) * (place - step)


@dataclass(frozen=True, kw_only=True, slots=True)
class EnergyWorth:
    """Prices of one more kWh imported and exported [currency/kWh], and its worth in stores.

    `reduction_price_per_kwh` is paid besides for each kWh less, imported or exported, as long as
    the power at the connection is above `reduction_floor_w` [W]; None: however low that is.
    Error: InvalidArgument.
    """

    import_price_per_kwh: float
    export_price_per_kwh: float
    stores: tuple[StoredWorth, ...] = ()
    reduction_price_per_kwh: float = 0.0
    reduction_floor_w: float | None = None

    def __post_init__(self) -> None:
        require_finite(self.import_price_per_kwh, "import_price_per_kwh")
        require_finite(self.export_price_per_kwh, "export_price_per_kwh")
        require_finite(self.reduction_price_per_kwh, "reduction_price_per_kwh")
        require_at_least(self.reduction_price_per_kwh, 0, "reduction_price_per_kwh")
        require_finite(self.reduction_floor_w, "reduction_floor_w")
        sound = self.export_price_per_kwh <= self.import_price_per_kwh
        dear = "energy earns no more than it costs"
        require(sound, "INVALID_VALUE", dear, "export_price_per_kwh")
        require_between(len(self.stores), 0, _MOST_STORES, "stores")
        once = len({each.device for each in self.stores}) == len(self.stores)
        require(once, "INVALID_VALUE", "a device stands once", "stores")

    def of(self, device: DeviceId) -> StoredWorth | None:
        """Return what energy is worth in the store that a device controls."""
        return next((each for each in self.stores if each.device == device), None)
