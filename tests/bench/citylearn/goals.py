"""The sets of goals that are measured: defaults first, then one addition at a time."""

from tests.bench.citylearn.homes import UserSettings

GOALS: dict[str, UserSettings] = {
    "defaults": UserSettings(),
}
