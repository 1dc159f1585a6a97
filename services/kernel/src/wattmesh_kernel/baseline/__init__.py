"""What would have been metered without an event: the one place where baselines come from."""

from wattmesh_kernel.baseline.method import (
    Adjustment,
    Baseline,
    BaselineMethod,
)
from wattmesh_kernel.baseline.work_out import (
    LOOK_BACK,
    WorkedOut,
    event_days,
    look_back,
    work_out,
)

__all__ = [
    "LOOK_BACK",
    "Adjustment",
    "Baseline",
    "BaselineMethod",
    "WorkedOut",
    "event_days",
    "look_back",
    "work_out",
]
