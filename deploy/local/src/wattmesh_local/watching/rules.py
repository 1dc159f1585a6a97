"""What plain rules would have made of the same metered energy: pure arithmetic, hour by hour."""

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.sites import BatteryRating

Floats = NDArray[np.float64]


def self_consumption_wh(
    rest_wh: Floats, rating: BatteryRating, soc_ratio: float, hours: float = 1.0
) -> Floats:
    """Return what a battery takes per interval [Wh, AC, charging positive] by the plain rule.

    It stores what the site would export and gives what it would import, as far as its powers and
    what is in it go. `rest_wh` is the site's exchange without it, import positive; NaN: it idles.
    2 kWh of surplus, 1 kWh of want and 90 % each way: it takes 2.0 and gives 1.0, of 1.62 it could.
    """
    stored = soc_ratio * rating.capacity_wh
    least, most = (
        ratio * rating.capacity_wh for ratio in (rating.min_soc_ratio, rating.max_soc_ratio)
    )
    taken = np.zeros(rest_wh.shape)
    for index, rest in enumerate(np.nan_to_num(rest_wh)):
        if rest < 0:
            room = max(most - stored, 0.0) / rating.charge_efficiency_ratio
            taken[index] = min(-rest, rating.max_charge_power_w * hours, room)
            stored += taken[index] * rating.charge_efficiency_ratio
        else:
            left = max(stored - least, 0.0) * rating.discharge_efficiency_ratio
            taken[index] = -min(rest, rating.max_discharge_power_w * hours, left)
            stored += taken[index] / rating.discharge_efficiency_ratio
    return taken
