"""Small sites for the twin's tests."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.series import Series
from wattmesh_twin.domain.battery import BatterySpec
from wattmesh_twin.domain.measured import MeasuredSeries
from wattmesh_twin.domain.physics import SiteData, SitePhysics
from wattmesh_twin.domain.pv import PvSpec
from wattmesh_twin.domain.site import SiteSpec

START = datetime(2024, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)


def hourly(values: Sequence[float], clock: Clock, start: datetime = START) -> MeasuredSeries:
    return MeasuredSeries(Series(start, HOUR, np.asarray(values, dtype=np.float64)), clock)


def home(
    clock: Clock,
    *,
    load_w: Sequence[float] = (1000.0,) * 48,
    pv_w: Sequence[float] | None = None,
    loads: Mapping[str, Sequence[float]] | None = None,
    battery: BatterySpec | None = None,
    start: datetime = START,
    pv: PvSpec | None = None,
    site: str = "home-1",
) -> SitePhysics:
    """A home with one load of 1 kW unless told otherwise."""
    named = loads or {"load": load_w}
    spec = SiteSpec(
        id=SiteId(site),
        display_name="Home 1",
        loads=tuple(named),
        pv=None if pv_w is None else pv or PvSpec(peak_power_w=4000.0),
        battery=battery,
    )
    data = SiteData(
        loads_w={load: hourly(values, clock, start) for load, values in named.items()},
        pv_available_w=None if pv_w is None else hourly(pv_w, clock, start),
    )
    return SitePhysics(spec=spec, data=data)


def battery(initial_soc_ratio: float = 0.5, **changes: float) -> BatterySpec:
    """6.4 kWh, 5 kW, 0.9 round trip."""
    values = {
        "capacity_wh": 6400.0,
        "power_w": 5000.0,
        "round_trip_efficiency_ratio": 0.9,
        "initial_soc_ratio": initial_soc_ratio,
    }
    return BatterySpec.symmetric(**(values | changes))
