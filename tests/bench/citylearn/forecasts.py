"""The product's forecasts of the whole year, hour by hour, each from the hours before it alone.

They do not depend on what the batteries do, so they are issued once and kept for every other run.
"""

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.bench.citylearn.environment import KEPT, ROOT, data_folder
from tests.bench.citylearn.homes import (
    HOUR,
    PEAK_PV_W,
    UserSettings,
    asset_of,
    site_ids,
    site_model,
    start_of,
)
from wattmesh_carbon.domain.pattern import HISTORY, forecast_pattern
from wattmesh_forecast.adapters.sky import PvlibSky
from wattmesh_forecast.domain.hours import AssetHours, Floats, LocalClock
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.questions import Question, Reply, groups, question, seasonal_replies
from wattmesh_forecast.domain.subjects import Subject, subject_of
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

AHEAD = 24
RATIOS = (0.1, 0.5, 0.9)
PAST_HOURS = 45 * 24
LOAD, PV, CARBON = "Equipment Electric Power [kWh]", "Solar Generation [W/kW]", "kg_CO2/kWh"
KINDS = {"load": Kind.LOAD, "pv": Kind.PV}


class Measured:
    """The year as it was metered; only `_issue_all` looks at it, and never beyond an hour."""

    def __init__(self, folder: Path) -> None:
        homes = [
            columns_of(folder / f"Building_{number}.csv", LOAD, PV)
            for number in range(1, 1 + len(PEAK_PV_W))
        ]
        loads = [home[:, 0] * 1e3 for home in homes]
        plants = [home[:, 1] * peak / 1e3 for home, peak in zip(homes, PEAK_PV_W, strict=True)]
        self.power_w = np.stack([*loads, *plants], axis=1)
        self.carbon = columns_of(folder / "carbon_intensity.csv", CARBON)[:, 0] * 1e3


def columns_of(file: Path, *names: str) -> Floats:
    """Return columns of a file by their names, shape (hours, names)."""
    with file.open(encoding="utf-8") as lines:
        return np.array([[float(row[name]) for name in names] for row in csv.DictReader(lines)])


def forecasts(hours: Sequence[int]) -> tuple[Floats, Floats]:
    """Return quantiles (year, 10 assets, 24, 3) [W], signed, and carbon (year, 24) [g/kWh].

    Each is what was known at the end of its hour; only those of `hours` are there.
    """
    kept = KEPT / f"forecasts-{_digest(hours)}.npz"
    if kept.exists():
        found = np.load(kept)
        return found["power_w"], found["carbon"]
    power_w, carbon = _issue_all(Measured(data_folder()), frozenset(hours))
    np.savez_compressed(kept, power_w=power_w, carbon=carbon)
    return power_w, carbon


def _issue_all(measured: Measured, wanted: frozenset[int]) -> tuple[Floats, Floats]:
    hours = len(measured.power_w)
    offsets = [(start_of(hour) - start_of(0)) // HOUR for hour in range(hours)]
    raster = np.full((offsets[-1] + 1, measured.power_w.shape[1]), np.nan)
    grid_carbon = np.full(offsets[-1] + 1, np.nan)
    power_w = np.zeros((hours, raster.shape[1], AHEAD, len(RATIOS)))
    carbon = np.zeros((hours, AHEAD))
    issuer = _Issuer(offsets[-1] + 1 + AHEAD)
    for hour, offset in enumerate(offsets):
        raster[offset], grid_carbon[offset] = measured.power_w[hour], measured.carbon[hour]
        if hour in wanted:
            power_w[hour] = issuer.issue(raster[: offset + 1])
            carbon[hour] = issuer.carbon(grid_carbon[: offset + 1])
    return power_w, carbon


class _Issuer:
    """Asks the forecast service's own arithmetic, as it answers while no model is served."""

    def __init__(self, hours: int) -> None:
        model = site_model(UserSettings())
        assets = [asset_of(site, name) for name in KINDS for site in site_ids()]
        self._subjects = [_subject(subject_of(asset, model)) for asset in assets]
        span = TimeRange.of(start_of(0), hours * HOUR)
        self._clock = LocalClock.of(span, self._subjects[0].zone)
        place = self._subjects[-1].location
        assert place is not None
        self._sun = PvlibSky().suns([place], span)[place]

    def issue(self, past_w: Floats) -> Floats:
        """Return the quantiles of every asset over the hours after `past_w` (hours, assets) [W]."""
        last = len(past_w)
        first = max(0, last - PAST_HOURS)
        wanted = Wanted(
            assets=tuple(each.asset for each in self._subjects),
            span=TimeRange.of(start_of(0) + last * HOUR, AHEAD * HOUR),
            resolution=HOUR,
            ratios=RATIOS,
        )
        found = np.zeros((len(self._subjects), AHEAD, len(RATIOS)))
        asked: list[Question] = []
        for number, subject in enumerate(self._subjects):
            hours = self._hours(subject, past_w[first:, number], first)
            answer = question(subject, hours, wanted)
            if isinstance(answer, Question):
                asked.append(answer)
            elif isinstance(answer, Reply):
                found[number] = answer.power_w
        for group in groups(asked):
            for reply in seasonal_replies(group[0].subject.kind, group, wanted):
                found[self._subjects.index(reply.subject)] = reply.power_w
        return found

    def carbon(self, past: Floats) -> Floats:
        """Return the expected intensity as the carbon service has it [g/kWh]."""
        last = len(past)
        first = max(0, last - HISTORY // HOUR)
        history = Series(start_of(0) + first * HOUR, HOUR, past[first:])
        return forecast_pattern(history, TimeRange.of(history.end, AHEAD * HOUR)).values

    def _hours(self, subject: Subject, power_w: Floats, first: int) -> AssetHours:
        end = first + len(power_w) + AHEAD
        whole = AssetHours(
            start=start_of(0),
            power_w=np.full(len(self._clock.hour), np.nan),
            clock=self._clock,
            sun=self._sun if subject.kind is Kind.PV else None,
        ).between(first, end)
        known = np.concatenate([power_w, np.full(AHEAD, np.nan)])
        return AssetHours(start=whole.start, power_w=known, clock=whole.clock, sun=whole.sun)


def _subject(found: object) -> Subject:
    assert isinstance(found, Subject)
    return found


def _digest(hours: Sequence[int]) -> str:
    """Return what tells forecasts of other hours, or by other code, apart."""
    code = hashlib.sha256(repr(sorted(hours)).encode())
    for folder in ("forecast/src/wattmesh_forecast/domain", "carbon/src/wattmesh_carbon/domain"):
        for file in sorted((ROOT / "services" / folder).glob("*.py")):
            code.update(file.read_bytes())
    code.update(Path(__file__).read_bytes())
    return code.hexdigest()[:12]
