"""What an energy register shows of what it counted."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def shown_register(counted_wh: ArrayLike, step_wh: float) -> NDArray[np.float64]:
    """Return `counted_wh` [Wh] rounded down to whole steps, as a display or a Modbus word shows it.

    Rounding down keeps a register from falling: 12345.678 Wh shows 12345.6 at steps of 0.1. The
    result has the shape of `counted_wh`.
    """
    steps_per_wh = 1.0 / step_wh
    return np.asarray(np.floor(np.asarray(counted_wh) * steps_per_wh) / steps_per_wh)
