"""What is kept of a trial is what would be said anew, and nothing that was corrected since."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.fakes.forecast_assets import load_hours, pv_hours
from tests.fakes.forecast_sites import FONTANA
from wattmesh_forecast.domain.hours import AssetHours, Batch, Rows
from wattmesh_forecast.domain.kinds import MODELLED, PATTERNS, Kind
from wattmesh_forecast.domain.seasonal import trial_days
from wattmesh_forecast.domain.subjects import Subject
from wattmesh_forecast.domain.trial import NOWCAST_HOURS, ask_patterns
from wattmesh_forecast.domain.trial_memory import TrialMemory
from wattmesh_kernel.ids import AssetId, SiteId

SUBJECTS = [
    Subject(
        asset=AssetId(SiteId(f"home-{n}"), "x"),
        kind=Kind.LOAD,
        zone=ZoneInfo("America/Los_Angeles"),
        location=FONTANA,
    )
    for n in (1, 2)
]
PAST = 45 * 24
WHOLE = {
    Kind.LOAD: [load_hours(60, ahead=0, seed=n) for n in (0, 1)],
    Kind.PV: [pv_hours(60, ahead=0, seed=n) for n in (0, 1)],
}


def known(assets: list[AssetHours], now: int) -> tuple[Batch, Rows]:
    """Return assets as they are known after so many hours, and a day ahead."""
    parts = [each.between(now - PAST, now + 24) for each in assets]
    told = np.arange(PAST + 24) < PAST
    batch = Batch.of([replace(e, power_w=np.where(told, e.power_w, np.nan)) for e in parts])
    return batch, Rows.ahead(PAST - 1, range(PAST, PAST + 24))


@pytest.mark.parametrize("kind", MODELLED)
def test_hour_by_hour_it_says_what_would_be_said_anew(kind: Kind) -> None:
    memory = TrialMemory()

    for now in (PAST, PAST + 1, PAST + 2, PAST + 9, PAST + 200):
        batch, rows = known(WHOLE[kind], now)
        found, trial = memory.ask(kind, SUBJECTS, batch, rows)
        expected, tried = ask_patterns(kind, batch, rows, NOWCAST_HOURS, trial_days(kind))

        assert np.allclose(found, expected)
        assert trial.first == tried.first
        assert np.allclose(trial.said, tried.said, rtol=1e-9, atol=1e-9)
        assert np.array_equal(trial.came, tried.came, equal_nan=True)


def test_a_reading_that_comes_late_is_in_what_is_said() -> None:
    memory = TrialMemory()
    memory.ask(Kind.LOAD, SUBJECTS, *known(WHOLE[Kind.LOAD], PAST))
    late = [replace(each, power_w=each.power_w.copy()) for each in WHOLE[Kind.LOAD]]
    late[1].power_w[PAST - 60 : PAST - 40] *= 3.0
    batch, rows = known(late, PAST + 1)

    _, trial = memory.ask(Kind.LOAD, SUBJECTS, batch, rows)

    _, tried = ask_patterns(Kind.LOAD, batch, rows, NOWCAST_HOURS, trial_days(Kind.LOAD))
    assert np.allclose(trial.said, tried.said, rtol=1e-9, atol=1e-9)


def test_an_hour_later_patterns_are_asked_about_one_hour_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, usual = list[int](), PATTERNS[Kind.PV]

    def counted(batch: Batch, rows: Rows) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        asked.append(len(rows))
        return usual.values(batch, rows)

    monkeypatch.setitem(PATTERNS, Kind.PV, replace(usual, values=counted))
    memory = TrialMemory()
    for now in (PAST, PAST + 1, PAST + 1):
        memory.ask(Kind.PV, SUBJECTS, *known(WHOLE[Kind.PV], now))

    assert asked == [24 + 14 * 24 + NOWCAST_HOURS, 24 + 1, 24]
