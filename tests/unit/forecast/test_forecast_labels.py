"""A new version is a shadow, then a canary, then stable; one that does worse never gets there."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.forecast_assets import START, load_hours
from tests.fakes.forecast_ports import (
    FakeModels,
    FixedHistory,
    GivenHolidays,
    GivenLabels,
    SimpleSky,
)
from tests.fakes.forecast_sites import sites_of
from tests.fakes.manual_clock import ManualClock
from wattmesh_forecast.adapters.model_folder import ModelFolder
from wattmesh_forecast.app.ask_models import Believed, ask_model
from wattmesh_forecast.app.compare_versions import CompareVersions
from wattmesh_forecast.app.each_history import EachHistory
from wattmesh_forecast.app.labelled_models import LabelledModels
from wattmesh_forecast.app.past import Past
from wattmesh_forecast.app.ports import Answer, NotServed
from wattmesh_forecast.domain.features import model_input
from wattmesh_forecast.domain.hours import HOUR, Batch, Rows
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.labels import (
    CANARY_TIME,
    LEAST_HOURS,
    LONGEST_TRIAL,
    Comparison,
    Label,
    Labels,
    Step,
    is_canary,
    next_step,
)
from wattmesh_forecast.domain.model_input import ModelInput
from wattmesh_forecast.domain.models import ModelVersion
from wattmesh_forecast.domain.standing import Standing
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

NOW = START + timedelta(days=40)
VERSION = ModelVersion(
    model="load",
    version=1,
    kind=Kind.LOAD,
    train_time=START,
    train_range=TimeRange.of(START, timedelta(days=35)),
    holdout_wape_ratio=0.08,
    holdout_seasonal_wape_ratio=0.09,
    holdout_naive_wape_ratio=0.1,
    fingerprint="f",
)
LOADS = [AssetId(SiteId(f"home-{number}"), "load") for number in range(40)]
SHADOW = Labels(stable=1, candidate=2, since=NOW)
CANARY = replace(SHADOW, canary=True)
AS_GOOD = Comparison(candidate_wh=100.0, stable_wh=100.0, hours=LEAST_HOURS)
WORSE = Comparison(candidate_wh=105.0, stable_wh=100.0, hours=LEAST_HOURS)


@pytest.mark.parametrize(
    ("labels", "compared", "live", "waited", "step"),
    [
        (SHADOW, replace(AS_GOOD, hours=LEAST_HOURS - 1), Standing.UNKNOWN, 9, Step.WAIT),
        (SHADOW, AS_GOOD, Standing.UNKNOWN, 0, Step.CANARY),
        (SHADOW, WORSE, Standing.UNKNOWN, 0, Step.BACK),
        (CANARY, AS_GOOD, Standing.SOUND, 0, Step.WAIT),
        (CANARY, AS_GOOD, Standing.SOUND, CANARY_TIME.days, Step.STABLE),
        (CANARY, AS_GOOD, Standing.UNKNOWN, CANARY_TIME.days, Step.STABLE),
        (CANARY, AS_GOOD, Standing.WORSE, 0, Step.BACK),
        (CANARY, WORSE, Standing.SOUND, 1, Step.BACK),
        (SHADOW, Comparison(), Standing.UNKNOWN, LONGEST_TRIAL.days, Step.BACK),
    ],
)
def test_a_candidate_goes_as_far_as_its_scores_carry_it(
    labels: Labels, compared: Comparison, live: Standing, waited: int, step: Step
) -> None:
    assert next_step(labels, compared, live, NOW + timedelta(days=waited)) is step


def write(folder: ModelFolder, *numbers: int) -> None:
    for number in numbers:
        version = replace(VERSION, version=number)
        folder.begin_trial(version)
        with folder.new_version(version):
            pass


def numbers(folder: ModelFolder) -> list[int]:
    return [each.version for each in folder.versions()]


def test_the_first_version_serves_and_the_next_is_its_shadow(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path)
    write(folder, 1)
    assert folder.labels("load") is None
    write(folder, 2)

    assert folder.labels("load") == Labels(stable=1, candidate=2)
    folder.move("load", Step.WAIT, NOW)
    folder.move("load", Step.CANARY, NOW + HOUR)
    found = ModelFolder(tmp_path).labels("load")  # as another replica sees it
    assert found == Labels(stable=1, candidate=2, canary=True, since=NOW + HOUR)
    assert [found.label(each) for each in (1, 2, 3)] == [Label.STABLE, Label.CANARY, None]
    folder.move("load", Step.STABLE, NOW)
    assert folder.labels("load") == Labels(stable=2)
    assert numbers(folder) == [1, 2]


def test_a_candidate_that_goes_back_leaves_the_stable_one_and_its_number(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path)
    write(folder, 1, 2)
    folder.move("load", Step.BACK, NOW)

    assert folder.labels("load") == Labels(stable=1)
    assert numbers(folder) == [1]
    assert folder.next_version("load") == 3


def test_a_new_candidate_takes_the_place_of_one_that_was_on_trial(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path)
    write(folder, 1, 2, 3)

    assert folder.labels("load") == Labels(stable=1, candidate=3)
    assert numbers(folder) == [1, 3]


def test_the_stable_version_is_taken_back_beside_a_candidate(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path)
    write(folder, 1, 2)
    folder.move("load", Step.STABLE, NOW)
    write(folder, 3)
    taken = folder.take_back("load")

    assert taken is not None
    assert taken.version == 2
    assert folder.labels("load") == Labels(stable=1, candidate=3)
    assert folder.take_back("load") == VERSION  # nothing older: the candidate takes over
    assert folder.labels("load") == Labels(stable=3)
    assert folder.take_back("load") is None


def test_half_written_labels_leave_the_newest_version_in_service(tmp_path: Path) -> None:
    (tmp_path / "load").mkdir()
    (tmp_path / "load" / "labels.json").write_text('{"stable": 1')
    assert ModelFolder(tmp_path).labels("load") is None


class Versions(FakeModels):
    """Says by version how many times the right answer it gives."""

    def __init__(self, factors: dict[int, float]) -> None:
        super().__init__(factors)
        self.factors = factors
        self.by_version: list[int | None] = []

    async def predict(self, model: str, asked: ModelInput, version: int | None = None) -> Answer:
        self.by_version.append(version)
        number = max(self.factors) if version is None else version
        if number not in self.factors:
            raise NotServed(model)
        right = asked.tensors["lags"][:, 0, 1, None] * np.float32(self.factors[number])
        said = right * np.array([0.9, 1.0, 1.1], dtype=np.float32)
        return Answer(version=number, quantiles=said)


async def test_a_stable_version_that_cannot_be_loaded_leaves_all_to_the_one_before() -> None:
    labels = Labels(stable=2, candidate=3)
    assert set(await answering(Versions({1: 1.0, 3: 1.0}), labels)) == {1}
    with pytest.raises(NotServed):
        await answering(Versions({3: 1.0}), labels)


def asked_about(count: int) -> ModelInput:
    batch = Batch.of([load_hours(35, seed=number) for number in range(count)])
    return model_input(Kind.LOAD, batch, Rows.ahead(800, range(801, 825)))


async def answering(models: Versions, labels: Labels) -> list[int]:
    versions = [labels.version_for(each) for each in LOADS]
    labelled = LabelledModels(models, GivenLabels(labels))
    found = await ask_model(
        labelled, Kind.LOAD, asked_about(len(LOADS)), [None] * len(LOADS), versions
    )
    assert all(isinstance(each, Believed) for each in found)
    return [each.version for each in found if isinstance(each, Believed)]


async def test_a_canary_answers_its_tenth_and_a_shadow_nobody() -> None:
    tenth = [is_canary(each) for each in LOADS]
    assert 1 <= sum(tenth) <= 8
    models = Versions({1: 1.0, 2: 1.01})

    assert await answering(models, CANARY) == [2 if each else 1 for each in tenth]
    assert set(await answering(models, SHADOW)) == {1}


async def test_a_canary_that_is_not_there_leaves_its_tenth_to_the_stable_version() -> None:
    assert set(await answering(Versions({1: 1.0}), CANARY)) == {1}


@pytest.fixture
def power() -> FixedHistory:
    return FixedHistory(
        {
            each: Series(START, HOUR, load_hours(40, ahead=0, seed=n).power_w)
            for n, each in enumerate(LOADS[:3])
        }
    )


async def compared(power: FixedHistory, factors: dict[int, float]) -> Comparison:
    compare = CompareVersions(
        sites=sites_of(LOADS[:3]),
        past=Past(EachHistory(power), SimpleSky(), GivenHolidays()),
        models=Versions(factors),
        clock=ManualClock(NOW),
    )
    assets: Sequence[AssetId] = LOADS[:3]
    return await compare(Kind.LOAD, assets, replace(VERSION, version=2), 1)


async def test_both_are_asked_about_the_midnights_since_the_training(power: FixedHistory) -> None:
    found = await compared(power, {1: 1.0, 2: 1.5})

    assert 3 * 24 * 4 <= found.hours <= 3 * 24 * 5
    assert found.candidate_wh > 1.2 * found.stable_wh > 0
    assert next_step(SHADOW, found, Standing.UNKNOWN, NOW) is Step.BACK


async def test_nothing_is_compared_while_a_version_cannot_be_asked(power: FixedHistory) -> None:
    assert await compared(power, {1: 1.0}) == Comparison()
