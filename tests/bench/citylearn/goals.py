"""The sets of goals that are measured: defaults first, then one change at a time."""

from tests.bench.citylearn.homes import UserSettings
from wattmesh_kernel.sites import PlanningGoals

GOALS: dict[str, UserSettings] = {
    "defaults": UserSettings(),
    "no_flattening": UserSettings(goals=PlanningGoals(ramp_price_per_kw=0.0)),
    "flatter": UserSettings(goals=PlanningGoals(ramp_price_per_kw=0.05)),
    "flatter_and_batteries_as_they_are": UserSettings(
        goals=PlanningGoals(ramp_price_per_kw=0.04), soc_power_limits=True
    ),
    "monthly_peak": UserSettings(peak_price_per_kw=1.0),
    "netted_billing": UserSettings(netted_billing=True),
}
